import Basics
package import SegmentAnything

/// A model under the name by which requests choose it. Its weights are mapped from its file and shared by all requests,
/// tasks and jobs.
package struct ServedModel: Sendable {
    package let name: String
    package let model: SegmentAnythingModel

    /// - Parameter name: Nil for the name in the model's own configuration.
    package init(_ model: SegmentAnythingModel, name: String? = nil) {
        self.name = name ?? model.name
        self.model = model
    }
}

/// The models that one server has loaded; the first is the default.
package struct ServedModels: Sendable {
    package let all: [ServedModel]

    /// Two models of one name: a request could not say which it means.
    package struct NameTaken: Error, Equatable, CustomStringConvertible {
        package let name: String
        package let sha256: [String]

        package var description: String {
            "two models are called \"\(name)\" (\(sha256.map { $0.prefix(12) + "…" }.joined(separator: " and ")))"
        }
    }

    /// - Parameter models: Not empty.
    package init(_ models: [ServedModel]) throws(NameTaken) {
        precondition(!models.isEmpty, "a server without a model")
        for (index, served) in models.enumerated() {
            if let other = models[..<index].first(where: { $0.name == served.name }) {
                throw NameTaken(name: served.name, sha256: [other.model.sha256, served.model.sha256])
            }
        }
        all = models
    }

    /// One model, under its own name.
    package init(_ model: SegmentAnythingModel) { all = [ServedModel(model)] }

    package var standard: ServedModel { all[0] }

    package var names: [String] { all.map(\.name) }

    /// The model that a request chose; the default when it chose none. A name that is not known is a 400 with the nearest
    /// one that is.
    func named(_ name: String?, field: String) throws(Problem) -> ServedModel {
        guard let name else { return standard }
        if let found = all.first(where: { $0.name == name }) { return found }
        let nearest = NearestName.suggestion(for: name, among: names)
        let suggested: [JSON.Member] = nearest.map { [.init("nearest", .string($0))] } ?? []
        throw Problem(
            .invalidValue, "this server has no model \(Quoted(name))", field: field,
            hint: (nearest.map { "did you mean \"\($0)\"? " } ?? "")
                + "Served here: \(names.joined(separator: ", ")); leave it out for \"\(standard.name)\"",
            extensions: suggested + [.init("available", .array(names.map { .string($0) }))])
    }

    /// The model with these weights, by hash; nil when it is not served.
    package func weights(_ sha256: String) -> ServedModel? { all.first { $0.model.sha256 == sha256 } }
}
