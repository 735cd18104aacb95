import Basics

/// A mean and its 95 % interval.
package struct Interval: Sendable, Equatable {
    package let mean: Double
    /// Percentiles 2.5 and 97.5; nil where there is one patient, who says nothing about others.
    package let low: Double?
    package let high: Double?

    static let replicates = 1_000

    /// By resampling whole patients (percentile bootstrap, Efron and Tibshirani 1993, chapter 13), because images of one
    /// stand or fall together. Nil without values.
    ///
    /// - Parameter values: Each with the patient that it belongs to.
    package init?(_ values: [(patient: Int, value: Double)], seed: UInt64) {
        guard !values.isEmpty else { return nil }
        let patients = Dictionary(grouping: values, by: \.patient).sorted { $0.key < $1.key }.map { _, members in
            (sum: members.reduce(0) { $0 + $1.value }, count: Double(members.count))
        }
        mean = patients.reduce(0) { $0 + $1.sum } / patients.reduce(0) { $0 + $1.count }
        guard patients.count > 1 else {
            (low, high) = (nil, nil)
            return
        }
        var generator = SeededRandom(seed: seed)
        var means = (0..<Self.replicates).map { _ in
            var (sum, count) = (0.0, 0.0)
            for _ in patients {
                let drawn = patients[generator.index(below: patients.count)]
                sum += drawn.sum
                count += drawn.count
            }
            return sum / count
        }
        means.sort()
        (low, high) = (Self.percentile(2.5, means), Self.percentile(97.5, means))
    }

    /// Linear between the ranks around (count − 1) · percent / 100.
    private static func percentile(_ percent: Double, _ sorted: [Double]) -> Double {
        let position = Double(sorted.count - 1) * percent / 100
        let rank = Int(position)
        let next = min(rank + 1, sorted.count - 1)
        return sorted[rank] + (sorted[next] - sorted[rank]) * (position - Double(rank))
    }
}
