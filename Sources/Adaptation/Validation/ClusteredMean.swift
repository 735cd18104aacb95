/// A mean of values that come in clusters, and how far it would move from one sample of clusters to the next.
///
/// Images of one patient stand or fall together, so that only how patients differ says anything: the mean is a ratio of the sums over
/// clusters, and its variance that of such a ratio (Cochran 1977, Sampling Techniques, §3.12).
package struct ClusteredMean: Sendable, Equatable {
    package let mean: Double
    package let clusterCount: Int
    /// Of the mean; nil of one cluster, which says nothing about others.
    package let variance: Double?

    /// Nil without values.
    ///
    /// - Parameter values: Each with the cluster that it belongs to.
    package init?<Cluster: Hashable & Comparable>(_ values: [(cluster: Cluster, value: Double)]) {
        guard !values.isEmpty else { return nil }
        // In one order, so that equal values give equal bits.
        let clusters = Dictionary(grouping: values, by: \.cluster).sorted { $0.key < $1.key }.map { _, members in
            (sum: members.reduce(0) { $0 + $1.value }, count: Double(members.count))
        }
        let mean = clusters.reduce(0) { $0 + $1.sum } / Double(values.count)
        self.mean = mean
        clusterCount = clusters.count
        let (count, size) = (Double(clusters.count), Double(values.count) / Double(clusters.count))
        let squares = clusters.reduce(0) { sum, cluster in
            let rest = (cluster.sum - mean * cluster.count) / size
            return sum + rest * rest
        }
        variance = clusters.count > 1 ? squares / (count * (count - 1)) : nil
    }
}
