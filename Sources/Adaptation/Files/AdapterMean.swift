import Tensor

extension TrainedAdapter {
    /// Adapters to parts of one support set as one adapter, which costs an answer no more than each of them did.
    ///
    /// The low-rank updates are averaged exactly: a mean of products `Bᵢ·Aᵢ` is the product of the factors side by side, so that
    /// the ranks add up while `alpha` stays. Tensors that replace those of the model are averaged as they are, as runs from one start that
    /// saw nearly the same images stay in one valley of the loss (Wortsman et al. 2022, "Model soups").
    ///
    /// - Parameters:
    ///   - members: Of one recipe, not `pooled`, whose update is no such product; at least one.
    ///   - supportCount: Examples that any of them was trained on.
    package static func mean(of members: [TrainedAdapter], supportCount: Int) throws -> TrainedAdapter {
        let first = members[0].adapter
        precondition(first.layout.kind != .pooled, "pooled updates have no exact mean")
        precondition(members.allSatisfy { $0.adapter.layout == first.layout }, "adapters of one recipe")
        let entries = first.layout.entries.enumerated().map { index, entry in
            let tensors = members.map { $0.adapter.tensors[index] }
            return switch entry.role {
            case .down: joined(tensors, entry, axis: 0)
            case .up: joined(tensors, entry, axis: 1)
            case .override, .labels: (entry, averaged(tensors))
            }
        }
        let card = first.card.averaged(
            members.count, supportCount: supportCount,
            finalLoss: members.reduce(0) { $0 + $1.adapter.card.finalLoss } / Float(members.count))
        let layout = AdapterLayout(first.layout, entries: entries.map(\.0))
        let adapter = try Adapter(card: card, layout: layout, tensors: entries.map(\.1))
        // Of a step: over the members.
        let losses = members[0].losses.indices.map { step in
            members.reduce(0) { $0 + $1.losses[step] } / Float(members.count)
        }
        return TrainedAdapter(adapter: adapter, losses: losses)
    }

    private static func joined(
        _ tensors: [Tensor], _ entry: AdapterLayout.Entry, axis: Int
    ) -> (AdapterLayout.Entry, Tensor) {
        let tensor = concatenate(tensors.map { Value($0) }, axis: axis).tensor
        return (AdapterLayout.Entry(name: entry.name, shape: tensor.shape, role: entry.role), tensor)
    }

    private static func averaged(_ tensors: [Tensor]) -> Tensor {
        let elements = tensors.map(\.elements)
        let count = Float(tensors.count)
        return Tensor(
            shape: tensors[0].shape,
            elements[0].indices.map { place in elements.reduce(0) { $0 + $1[place] } / count })
    }
}
