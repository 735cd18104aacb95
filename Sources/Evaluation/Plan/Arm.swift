package import Adaptation

/// A model as it is tested: the base, or an adapter from one support set.
package struct Arm: Codable, Sendable, Hashable {
    package let dataset: String
    /// The task that was learnt; empty for the base, which serves all.
    package let label: String
    package let support: Int
    package let supportSeed: Int
    /// Nil for the base.
    package let adapter: AdapterKind?

    static func base(_ dataset: String) -> Arm {
        Arm(dataset: dataset, label: "", support: 0, supportSeed: 0, adapter: nil)
    }

    /// For files; unique within an evaluation.
    var name: String {
        guard let adapter else { return "\(dataset)/base" }
        return "\(dataset)/\(label)/\(adapter.rawValue)/n\(support)/seed\(supportSeed)"
    }
}
