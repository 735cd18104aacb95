/// The training loss after a step.
package struct LossPoint: Sendable, Equatable, Codable {
    package var step: Int
    package var loss: Double

    package init(step: Int, loss: Double) {
        self.step = step
        self.loss = loss
    }
}

/// How far a job has got.
package struct JobProgress: Sendable, Equatable, Codable {
    /// 0…1 of the whole job.
    package var fraction: Double
    package var step: Int
    package var steps: Int
    package var phase: String?
    package var etaSeconds: Double?
    /// Ascending in step, at most `lossCurveLimit` points, the older ones thinned.
    package private(set) var lossCurve: [LossPoint]

    package static let lossCurveLimit = 512
    package static let none = JobProgress()

    package init(
        fraction: Double = 0, step: Int = 0, steps: Int = 0, phase: String? = nil, etaSeconds: Double? = nil,
        lossCurve: [LossPoint] = []
    ) {
        self.fraction = fraction
        self.step = step
        self.steps = steps
        self.phase = phase
        self.etaSeconds = etaSeconds
        self.lossCurve = []
        for point in lossCurve { append(point) }
    }

    /// Adds a point, unless its loss is no number (JSON has no word for it). A run that was resumed repeats steps: what
    /// the curve held from `point.step` on goes.
    package mutating func append(_ point: LossPoint) {
        guard point.loss.isFinite else { return }
        while let last = lossCurve.last, last.step >= point.step { lossCurve.removeLast() }
        if lossCurve.count >= Self.lossCurveLimit {
            lossCurve = lossCurve.indices.filter { $0.isMultiple(of: 2) }.map { lossCurve[$0] }
        }
        lossCurve.append(point)
    }
}
