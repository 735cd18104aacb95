package import Adaptation

/// An adapter in memory, ready to answer, and its version within its task.
package struct ServedAdapter: Sendable {
    package let version: Int
    package let adapter: Adapter
    /// What to tell with every answer; nil: its folds speak for it.
    package let caution: String?
    /// What its folds say; nil: there were none.
    let heldOut: StoredHeldOut?
    /// So many of the task's first examples taught it, and go on telling what they told its folds; nil of one that came as a file: all do.
    let supportCount: Int?
    /// Whether likeness to them helps its answers without a prompt, as it did on the folds.
    let isHelped: Bool

    init(
        version: Int, adapter: Adapter, heldOut: StoredHeldOut?, supportCount: Int?, isHelped: Bool,
        caution: String? = nil
    ) {
        self.supportCount = supportCount
        self.isHelped = isHelped
        self.version = version
        self.adapter = adapter
        self.heldOut = heldOut
        self.caution = caution
    }
}

/// Who answers for a task, and why.
package enum Tier: Sendable {
    case adapted(ServedAdapter)
    case base(reason: String)

    /// Nobody but the model, as far as an embedding or a profile is concerned.
    static let model = Tier.base(reason: "no adapter is asked")

    package var name: String {
        switch self {
        case .adapted: "adapted"
        case .base: "base"
        }
    }

    package var adapter: ServedAdapter? {
        if case .adapted(let adapter) = self { adapter } else { nil }
    }

    package var reason: String? {
        switch self {
        case .adapted(let adapter): adapter.caution
        case .base(let reason): reason
        }
    }
}
