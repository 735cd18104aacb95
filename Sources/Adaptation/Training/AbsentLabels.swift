package import Basics

/// Which labels a view is asked for that it does not show, so that they learn that they may be missing.
///
/// Half as often as a label is trained on where it is, and no more: one that few examples show would learn from all the others that it is
/// nowhere.
package struct AbsentLabels: Sendable {
    private struct Chance {
        let label: Int
        let value: Float
    }

    /// By example, the labels that it lacks, each with the chance of being asked for whenever the example is trained on.
    private let chances: [Int: [Chance]]

    /// - Parameter shown: By example, the labels that it shows; a round of training goes through all of them.
    package init(shown: [Int: [Int]], labelCount: Int) {
        let chance = (0..<labelCount).map { label -> Float in
            let with = shown.values.count { $0.contains(label) }
            let without = shown.values.filter { !$0.contains(label) }.reduce(0) { $0 + $1.count }
            return min(1, 0.5 * Float(with) / Float(max(without, 1)))
        }
        chances = shown.mapValues { shown in
            (0..<labelCount).filter { !shown.contains($0) && chance[$0] > 0 }
                .map { Chance(label: $0, value: chance[$0]) }
        }
    }

    /// At most one of the labels that the example lacks.
    package func draw(_ example: Int, using generator: inout SeededRandom) -> Int? {
        var rest = chances[example] ?? []
        while !rest.isEmpty {
            let candidate = rest.remove(at: generator.index(below: rest.count))
            if generator.uniform() < candidate.value { return candidate.label }
        }
        return nil
    }
}
