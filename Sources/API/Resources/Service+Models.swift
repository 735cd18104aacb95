import HTTP
import SegmentAnything
import Server

/// `GET /v1/models`.
extension Service {
    func listModels(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        let configuration = model.configuration
        return .json([
            "models": [
                [
                    "name": .string(model.name), "sha256": .string(model.sha256), "default": true,
                    "parameters": .integer(model.parameterCount), "image_size": .integer(configuration.imageSize),
                    "patch_size": .integer(configuration.patchSize), "width": .integer(configuration.width),
                    "depth": .integer(configuration.depth), "preprocessing": .string(Preprocessing.version),
                    "card": model.metadata["gmiseg.card"].map(JSON.stored) ?? .null,
                ]
            ]
        ])
    }
}
