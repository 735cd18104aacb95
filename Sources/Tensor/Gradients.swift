/// Gradients of a loss of one element with respect to `parameters`, in order; zeros for those that it does not reach.
///
/// The graph is used up as the pass proceeds, so that memory falls from the first step on; a second call on it traps.
package func gradients(of loss: Value, for parameters: [Value]) -> [Tensor] {
    precondition(loss.tensor.count == 1, "a loss has one element, not \(loss.shape)")
    return gradients(of: loss, seed: Tensor(filled: 1, shape: loss.shape), for: parameters)
}

/// The vector-Jacobian product: the same from any value, `seed` being its gradient.
package func gradients(of output: Value, seed: Tensor, for parameters: [Value]) -> [Tensor] {
    precondition(seed.shape == output.shape, "a gradient of \(seed.shape) for a value of \(output.shape)")
    let wanted = parameters.map { $0.node.map(ObjectIdentifier.init) }
    let found = backward(from: output, seed: seed, wanted: Set(wanted.compactMap { $0 }))
    return zip(parameters, wanted).map { parameter, identity in
        identity.flatMap { found[$0] } ?? Tensor(zeros: parameter.shape)
    }
}

/// Runs `body` keeping only its inputs and output; `body` runs again in the backward pass, which then needs the
/// intermediates of one such section at a time (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016).
///
/// - Parameters:
///   - inputs: Every differentiable thing that `body` uses. One that it captures instead gets no gradient.
///   - body: A pure function of the inputs.
package func checkpoint(_ inputs: [Value], _ body: @escaping @Sendable ([Value]) -> Value) -> Value {
    let tensors = inputs.map(\.tensor)
    let output = body(tensors.map(Value.init)).detached
    let isNeeded = inputs.map(\.requiresGradient)
    return .operation(output.tensor, inputs: inputs) { gradient in
        let leaves = zip(tensors, isNeeded).map { $1 ? Value.parameter($0) : Value($0) }
        let wanted = leaves.map { $0.node.map(ObjectIdentifier.init) }
        let found = backward(from: body(leaves), seed: gradient, wanted: Set(wanted.compactMap { $0 }))
        return wanted.map { identity in identity.flatMap { found[$0] } }
    }
}

/// Propagates `seed` from `output` down, in descending order of creation; returns the gradients of the nodes wanted.
private func backward(from output: Value, seed: Tensor, wanted: Set<ObjectIdentifier>) -> [ObjectIdentifier: Tensor] {
    guard let root = output.node else { return [:] }
    var nodes = reachable(from: root)
    var pending = [ObjectIdentifier(root): seed]
    var found: [ObjectIdentifier: Tensor] = [:]
    while let node = nodes.popLast() {
        precondition(!node.isSpent, "this graph has been differentiated before")
        let record = node.take()
        guard let gradient = pending.removeValue(forKey: ObjectIdentifier(node)) else { continue }
        if wanted.contains(ObjectIdentifier(node)) { found[ObjectIdentifier(node)] = gradient }
        guard let record else { continue }
        let parts = record.backward(gradient)
        precondition(parts.count == record.inputs.count, "\(parts.count) gradients for \(record.inputs.count) inputs")
        for case (let input?, let part?) in zip(record.inputs, parts) {
            precondition(part.shape == input.shape, "a gradient of \(part.shape) for an input of \(input.shape)")
            if pending[ObjectIdentifier(input)]?.accumulate(part) == nil { pending[ObjectIdentifier(input)] = part }
        }
    }
    return found
}

/// All nodes from `root` down, in ascending order of creation.
private func reachable(from root: Node) -> [Node] {
    var seen: Set<ObjectIdentifier> = [ObjectIdentifier(root)]
    var nodes = [root]
    var next = 0
    while next < nodes.count {
        for input in nodes[next].inputs where seen.insert(ObjectIdentifier(input)).inserted { nodes.append(input) }
        next += 1
    }
    return nodes.sorted { $0.order < $1.order }
}
