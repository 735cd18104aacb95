/// What a token allows; each includes those before it.
package enum Scope: String, CaseIterable, Comparable, Sendable {
    /// See one's tasks, jobs and images.
    case read
    /// Upload images and segment them.
    case segment
    /// Create, change and delete tasks.
    case train
    /// See and do everything, whoever owns it.
    case admin

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package static func < (one: Scope, other: Scope) -> Bool { one.rank < other.rank }

    /// Itself and all that it includes, smallest first.
    var included: [Scope] { Self.allCases.filter { $0 <= self } }
}
