/// Counts of values in buckets, as Prometheus takes them: each bucket counts all that is not above its bound.
struct Histogram: Sendable {
    /// From a cached answer to a long encoder, in seconds.
    static let latencies: [Double] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    /// Of jobs, in seconds.
    static let jobs: [Double] = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400]

    let bounds: [Double]
    private(set) var counts: [Int]
    private(set) var sum = 0.0
    private(set) var total = 0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = [Int](repeating: 0, count: bounds.count)
    }

    mutating func observe(_ value: Double) {
        for index in bounds.indices where value <= bounds[index] { counts[index] += 1 }
        sum += value
        total += 1
    }
}
