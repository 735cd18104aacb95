/// The support sets of one task with one support seed: nested, all tested on the same images.
package struct SupportDraw: Sendable, Equatable {
    /// The first n are the support set of size n.
    package let pool: [String]
    /// Stems, in the order in which a dataset is tested.
    package let test: [String]
    /// Sizes for which the dataset has too few images.
    package let omitted: [Int]

    /// - Parameters:
    ///   - stems: Images with the task's label, in test order.
    ///   - sizes: Wanted support sizes above 0, ascending.
    ///   - limit: Test images at most.
    ///   - patient: Images of one patient never stand on both sides.
    package init(stems: [String], sizes: [Int], limit: Int?, patient: (String) -> String, key: DrawKey) {
        var generator = key.generator("support")
        let shuffled = stems.sorted().shuffled(using: &generator)
        for size in sizes.reversed() where size <= shuffled.count {
            let pool = Array(shuffled.prefix(size))
            let patients = Set(pool.map(patient))
            let rest = stems.filter { !patients.contains(patient($0)) }
            guard rest.count >= EvaluationSettings.minimumTestImages else { continue }
            self.pool = pool
            test = Array(rest.prefix(limit ?? rest.count))
            omitted = sizes.filter { $0 > size }
            return
        }
        (pool, test, omitted) = ([], [], sizes)
    }
}
