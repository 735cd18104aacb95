import Tensor

/// The weights that one part of the model sees: those of the adjustment where it has them, else the base model's.
struct Parameters: Sendable {
    let model: SegmentAnythingModel
    let adjustment: Adjustment
    var prefix = ""

    var configuration: Configuration { model.configuration }

    init(_ model: SegmentAnythingModel, _ adjustment: Adjustment, prefix: String) {
        self.model = model
        self.adjustment = adjustment
        self.prefix = prefix
    }

    /// The same weights, seen from a part further down.
    func scoped(_ part: String) -> Parameters { Parameters(model, adjustment, prefix: prefix + part + ".") }

    /// The weight in the state dict's shape.
    func callAsFunction(_ name: String) -> Value {
        adjustment.overrides[prefix + name] ?? model.parameter(prefix + name)
    }

    /// The weight in the layout that is computed with.
    func arranged(_ name: String, _ arrangement: Arrangement) -> ArrangedWeight {
        guard let override = adjustment.overrides[prefix + name] else {
            return ArrangedWeight(raw: model.arrangedParameter(prefix + name), arrangement: nil)
        }
        return ArrangedWeight(raw: override, arrangement: arrangement)
    }
}

/// A weight whose layout is changed before use: once if it is frozen, in each graph if it is being trained, since a
/// graph is used up by its backward pass.
struct ArrangedWeight: Sendable {
    private let raw: Value
    private let arrangement: Arrangement?

    init(raw: Value, arrangement: Arrangement?) {
        if let arrangement, !raw.requiresGradient {
            self.raw = arrangement(raw)
            self.arrangement = nil
        } else {
            self.raw = raw
            self.arrangement = arrangement
        }
    }

    var value: Value { arrangement?(raw) ?? raw }
}
