import Adaptation

/// A kind of model that the report has figures for: the base, or adapters of one kind and support size.
struct ModelVariant: Hashable {
    let adapter: AdapterKind?
    let support: Int

    static let base = ModelVariant(adapter: nil, support: 0)

    var title: String { adapter.map { "\($0.rawValue), n = \(support)" } ?? "base model" }

    func group(_ dataset: String, _ prompt: PromptStyle, label: String = Summary.all) -> Summary.Group {
        Summary.Group(
            dataset: dataset, label: label, adapter: adapter, support: support, prompt: prompt, method: .model)
    }

    /// Those that have rows: the base, then by kind and size.
    static func all(_ rows: [ResultRow]) -> [ModelVariant] {
        Set(rows.map { ModelVariant(adapter: $0.adapter, support: $0.support) }).sorted { one, other in
            let kinds = AdapterKind.allCases
            let places = [one, other].map { variant in variant.adapter.flatMap { kinds.firstIndex(of: $0) } ?? -1 }
            return (places[0], one.support) < (places[1], other.support)
        }
    }
}

extension Summary.Group {
    static func baseline(_ method: Method, _ dataset: String, _ prompt: PromptStyle) -> Summary.Group {
        Summary.Group(
            dataset: dataset, label: Summary.all, adapter: nil, support: 0, prompt: prompt, method: method)
    }
}
