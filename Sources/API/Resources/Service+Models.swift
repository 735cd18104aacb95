import HTTP
import SegmentAnything
import Server

/// `GET /v1/models`.
extension Service {
    func listModels(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        return .json(["models": .array(models.all.enumerated().map { Self.json($1, isDefault: $0 == 0) })])
    }

    private static func json(_ served: ServedModel, isDefault: Bool) -> JSON {
        let model = served.model
        let configuration = model.configuration
        return [
            "name": .string(served.name), "sha256": .string(model.sha256), "default": .bool(isDefault),
            "precision": "f32",
            "parameters": .integer(model.parameterCount), "image_size": .integer(configuration.imageSize),
            "patch_size": .integer(configuration.patchSize), "width": .integer(configuration.width),
            "depth": .integer(configuration.depth), "preprocessing": .string(Preprocessing.version),
            "card": model.metadata["gmiseg.card"].map(JSON.stored) ?? .null,
        ]
    }
}
