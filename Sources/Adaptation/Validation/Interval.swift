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
        (low, high) = (means.quantile(0.025), means.quantile(0.975))
    }
}
