package import Adaptation

/// An adapter in memory, ready to answer, and its version within its task.
package struct ServedAdapter: Sendable {
    package let version: Int
    package let adapter: Adapter

    package init(version: Int, adapter: Adapter) {
        self.version = version
        self.adapter = adapter
    }
}

/// Who answers for a task, and why.
package enum Tier: Sendable {
    case adapted(ServedAdapter)
    case base(reason: String)

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
        if case .base(let reason) = self { reason } else { nil }
    }
}
