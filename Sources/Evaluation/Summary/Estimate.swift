import Adaptation

/// A mean over datasets of the means over their targets, and its 95 % interval: what other patients of the same datasets would give.
package struct Estimate: Codable, Sendable, Equatable {
    package let mean: Double
    /// Nil where a dataset has fewer than two patients.
    package let low: Double?
    package let high: Double?

    init(mean: Double, low: Double?, high: Double?) {
        self.mean = mean
        self.low = low
        self.high = high
    }

    /// Whole patients count, because images of one, targets of one image, and answers of several models to it, stand or fall together.
    /// Student's t, with the degrees of freedom of a sum of variances that are known to different degrees (Satterthwaite 1946). Nil when there
    /// is no sample.
    ///
    /// - Parameter range: What the measure can be.
    package init?(_ samples: [Sample], within range: ClosedRange<Double>) {
        let datasets = Dictionary(grouping: samples, by: \.dataset).sorted { $0.key < $1.key }.compactMap {
            _, samples in
            ClusteredMean(samples.map { (cluster: $0.patient, value: $0.value) })
        }
        guard !datasets.isEmpty else { return nil }
        let count = Double(datasets.count)
        let mean = datasets.reduce(0) { $0 + $1.mean } / count
        let variances = datasets.compactMap { dataset in dataset.variance.map { (value: $0, dataset.clusterCount) } }
        guard variances.count == datasets.count else {
            self.init(mean: mean, low: nil, high: nil)
            return
        }
        let sum = variances.reduce(0) { $0 + $1.value }
        let doubt = variances.reduce(0) { $0 + $1.value * $1.value / Double($1.1 - 1) }
        let reach = sum == 0 ? 0 : sum.squareRoot() / count * StudentT.quantile(0.975, freedom: sum * sum / doubt)
        self.init(mean: mean, low: max(mean - reach, range.lowerBound), high: min(mean + reach, range.upperBound))
    }
}
