/// Counts of values in buckets, each of which has a bound that is the greatest of its values.
struct Histogram: Sendable {
    /// From a cached answer to a long encoder, in seconds.
    static let latencies: [Double] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    /// Of jobs, in seconds.
    static let jobs: [Double] = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400]

    let bounds: [Double]
    private var counts: [Int]
    private(set) var sum = 0.0
    private(set) var total = 0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = [Int](repeating: 0, count: bounds.count)
    }

    /// As Prometheus takes them: how many values are not above each bound.
    var cumulativeCounts: [Int] {
        var sum = 0
        return counts.map {
            sum += $0
            return sum
        }
    }

    mutating func observe(_ value: Double) {
        if let index = bounds.firstIndex(where: { value <= $0 }) { counts[index] += 1 }
        sum += value
        total += 1
    }
}
