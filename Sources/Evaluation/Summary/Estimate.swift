import Basics

/// A mean and the interval in which it would fall 95 times of 100 with other images of the same kind.
package struct Estimate: Codable, Sendable, Equatable {
    package let mean: Double
    /// Percentiles 2.5 and 97.5 of the bootstrap; nil where a dataset has fewer than two patients.
    package let low: Double?
    package let high: Double?
}

/// Means over datasets of the means over their targets, with intervals by resampling patients within datasets
/// (Efron and Tibshirani 1993, chapter 13: percentile intervals).
///
/// Whole patients are drawn, because images of one, targets of one image, and answers of several models to it, stand or fall together.
package struct Bootstrap {
    static let replicates = 1_000

    private let seed: UInt64

    package init(seed: UInt64) { self.seed = seed }

    /// Nil when there is no sample.
    package func estimate(_ samples: [Sample]) -> Estimate? {
        let datasets = Dictionary(grouping: samples, by: \.dataset).sorted { $0.key < $1.key }
        guard !datasets.isEmpty else { return nil }
        var mean = 0.0
        var means = [Double](repeating: 0, count: Self.replicates)
        var hasInterval = true
        for (name, samples) in datasets {
            let patients = Clusters(samples)
            mean += patients.mean / Double(datasets.count)
            guard patients.count > 1 else {
                hasInterval = false
                continue
            }
            var generator = DrawKey(seed: seed, name).generator("bootstrap")
            for index in means.indices { means[index] += patients.resampledMean(&generator) / Double(datasets.count) }
        }
        guard hasInterval else { return Estimate(mean: mean, low: nil, high: nil) }
        means.sort()
        return Estimate(mean: mean, low: means.quantile(0.025), high: means.quantile(0.975))
    }

    /// Sums and counts by patient.
    private struct Clusters {
        private var sums: [Double] = []
        private var counts: [Double] = []

        init(_ samples: [Sample]) {
            for (_, members) in Dictionary(grouping: samples, by: \.patient).sorted(by: { $0.key < $1.key }) {
                sums.append(members.reduce(0) { $0 + $1.value })
                counts.append(Double(members.count))
            }
        }

        var count: Int { sums.count }
        var mean: Double { sums.reduce(0, +) / counts.reduce(0, +) }

        func resampledMean(_ generator: inout SeededRandom) -> Double {
            var (sum, total) = (0.0, 0.0)
            for _ in sums {
                let patient = generator.index(below: sums.count)
                sum += sums[patient]
                total += counts[patient]
            }
            return sum / total
        }
    }
}
