/// Work done of work planned, and the time that the rest will take.
struct WorkMeter {
    private let total: Double
    private var finished = 0.0
    private let start = ContinuousClock.now

    init(_ total: Double) { self.total = total }

    mutating func done(_ work: Double) { finished += work }

    /// - Parameter ahead: Work done within what is under way.
    func progress(_ note: String, ahead: Double = 0) -> Evaluation.Progress {
        let done = min(finished + ahead, total)
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        return Evaluation.Progress(
            fraction: total > 0 ? done / total : 1, note: note,
            secondsLeft: done > 0 ? elapsed / done * (total - done) : nil)
    }
}
