import Basics
import Synchronization

/// A tensor on the differentiation graph (reverse mode, recorded as the operations run).
///
/// Without a node it is a constant: operations whose inputs are all constant record nothing, so inference, frozen
/// weights and frozen prefixes cost nothing and free their intermediates at once.
package struct Value: Sendable {
    package let tensor: Tensor
    let node: Node?

    /// A constant.
    package init(_ tensor: Tensor) {
        self.tensor = tensor
        node = nil
    }

    private init(_ tensor: Tensor, node: Node) {
        self.tensor = tensor
        self.node = node
    }

    /// A leaf that gathers a gradient.
    package static func parameter(_ tensor: Tensor) -> Value {
        Value(tensor, node: Node(leafOf: tensor.shape))
    }

    /// An operation with its own derivative.
    ///
    /// - Parameters:
    ///   - output: The result, computed already.
    ///   - inputs: What it was computed from.
    ///   - backward: Maps the gradient of the output to one gradient per input, of that input's shape, in order. What
    ///     it returns for constants is ignored; ask `requiresGradient` beforehand and return nil there to save the work.
    ///     Runs at most once. It should capture tensors rather than values, which would keep the graph alive.
    package static func operation(
        _ output: Tensor, inputs: [Value], backward: @escaping @Sendable (Tensor) -> [Tensor?]
    ) -> Value {
        guard inputs.contains(where: \.requiresGradient) else { return Value(output) }
        return Value(output, node: Node(of: output.shape, inputs: inputs.map(\.node), backward: backward))
    }

    package var shape: [Int] { tensor.shape }
    package var requiresGradient: Bool { node != nil }

    /// The same tensor as a constant.
    package var detached: Value { Value(tensor) }
}

/// One recorded operation, or a leaf.
final class Node: Sendable {
    struct Record: Sendable {
        let inputs: [Node?]
        let backward: @Sendable (Tensor) -> [Tensor?]
    }

    private enum State: Sendable {
        case leaf
        case operation(Record)
        case spent
    }

    /// Creation order: inputs come before the operations that use them, so descending order is a topological one.
    let order: UInt64
    let shape: [Int]
    private let state: Lock<State>

    private static let created = Atomic<UInt64>(0)

    init(leafOf shape: [Int]) {
        order = Self.created.wrappingAdd(1, ordering: .relaxed).oldValue
        self.shape = shape
        state = Lock(.leaf)
    }

    init(of shape: [Int], inputs: [Node?], backward: @escaping @Sendable (Tensor) -> [Tensor?]) {
        order = Self.created.wrappingAdd(1, ordering: .relaxed).oldValue
        self.shape = shape
        state = Lock(.operation(Record(inputs: inputs, backward: backward)))
    }

    /// What the operation was computed from; none for a leaf.
    var inputs: [Node] {
        state.withLock { state in
            guard case .operation(let record) = state else { return [] }
            return record.inputs.compactMap { $0 }
        }
    }

    var isSpent: Bool {
        state.withLock { state in
            guard case .spent = state else { return false }
            return true
        }
    }

    /// Gives up the record, and with it the intermediates that it holds; nil for a leaf.
    func take() -> Record? {
        state.withLock { state in
            guard case .operation(let record) = state else { return nil }
            state = .spent
            return record
        }
    }

    /// Unlinks the graph below in a loop: left to itself, the release of a long chain would recurse once per node.
    deinit {
        var orphans = take()?.inputs.compactMap { $0 } ?? []
        while var node = orphans.popLast() {
            guard isKnownUniquelyReferenced(&node) else { continue }
            orphans += node.take()?.inputs.compactMap { $0 } ?? []
        }
    }
}
