/// A mean and its 95 % interval.
package struct Interval: Sendable, Equatable {
    package let mean: Double
    /// Student's t either way of the mean, within what the measure can be; nil where there is one patient, who says nothing about others.
    ///
    /// Resampling patients would give intervals that miss the truth 15 times of 100 with five of them, and half of the time with two.
    package let low: Double?
    package let high: Double?

    /// Of patients, whose images stand or fall together. Nil without values.
    ///
    /// - Parameters:
    ///   - values: Each with the patient that it belongs to.
    ///   - range: What the measure can be.
    package init?(_ values: [(patient: Int, value: Double)], within range: ClosedRange<Double>) {
        guard let clustered = ClusteredMean(values.map { (cluster: $0.patient, value: $0.value) }) else { return nil }
        mean = clustered.mean
        let freedom = Double(clustered.clusterCount - 1)
        let reach = clustered.variance.map { $0.squareRoot() * StudentT.quantile(0.975, freedom: freedom) }
        low = reach.map { max(clustered.mean - $0, range.lowerBound) }
        high = reach.map { min(clustered.mean + $0, range.upperBound) }
    }
}
