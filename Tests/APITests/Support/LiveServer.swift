import API
import Client
import HTTP
import Logging
import Posix
import SegmentAnything
import Server
import Storage
import TestSupport

/// A whole server in this process, on a free port and a fresh folder, with a tiny random model.
final class LiveServer: Sendable {
    let client: TestClient
    let service: Service
    let handler: APIHandler
    let folder: TemporaryDirectory
    let tokenFile: TokenFile
    private let server: Server
    private let store: SQLiteStore

    /// - Parameters:
    ///   - models: Nil for one tiny random model.
    ///   - tokens: Nil: nobody is asked for one.
    ///   - folder: Nil for a fresh one; that of an earlier server, which has stopped, to go on where it stopped.
    init(
        _ configure: (inout Service.Configuration) -> Void = { _ in }, limits: Limits = .init(),
        models: ServedModels? = nil, folder: TemporaryDirectory? = nil, tokens: [Token]? = nil,
        auditLog: AuditLog? = nil
    ) throws {
        self.folder = try folder ?? TemporaryDirectory()
        store = try SQLiteStore(directory: self.folder.file("data"))
        tokenFile = TokenFile(dataFolder: self.folder.file("data"))
        if let tokens { try tokenFile.update { $0 = tokens } }
        var configuration = Service.Configuration()
        configure(&configuration)
        let models = models ?? ServedModels(SegmentAnythingModel(configuration: .tiny, randomSeed: 7))
        service = Service(
            models: models, store: store, configuration: configuration,
            access: try AccessControl(tokenFile, log: Logger(label: "test")), auditLog: auditLog)
        handler = APIHandler(service)
        server = Server(
            configuration: .init(
                listen: [try Address("127.0.0.1:0")], spoolDirectory: store.spoolDirectory, limits: limits),
            handler: handler, refuse: { Problem($0).response },
            accessLog: { [service] in service.telemetry.count($0) })
        try service.start()
        client = try TestClient(server.start()[0].description)
    }

    /// Stops the queue and the server; the folder goes with the value.
    func stop() async {
        await withCheckedContinuation { continuation in service.stop { continuation.resume() } }
        server.stop()
        store.close()
    }
}

/// Runs `body` against a server of its own.
func withLiveServer<Result: Sendable>(
    _ configure: (inout Service.Configuration) -> Void = { _ in }, limits: Limits = .init(),
    models: ServedModels? = nil, folder: TemporaryDirectory? = nil, tokens: [Token]? = nil,
    auditLog: AuditLog? = nil, _ body: (LiveServer) async throws -> Result
) async throws -> Result {
    let server = try LiveServer(
        configure, limits: limits, models: models, folder: folder, tokens: tokens,
        auditLog: auditLog)
    do {
        let result = try await body(server)
        await server.stop()
        return result
    } catch {
        await server.stop()
        throw error
    }
}

extension ClientResponse {
    var json: JSON { get throws { try JSONParser.parse(body) } }
}

/// Forms that most tests begin with.
enum Forms {
    /// A task of `count` examples that trains for `steps` steps. Its discs fill half of their pictures, so that even random
    /// weights learn something of them in no time.
    static func task(
        name: String = "disc", model: String? = nil, steps: Int = 2, imagesPerStep: Int = 2, count: Int = 2,
        margin: Double = -1, extra: [FormPart] = []
    ) -> [FormPart] {
        let task: JSON = [
            "name": .string(name), "model": .optional(model), "labels": ["disc"], "spacing_mm": [0.5, 0.5],
            "adapter": ["kind": "decoder"],
            "adaptation": [
                "steps": .integer(steps), "images_per_step": .integer(imagesPerStep), "augmented_views": 1,
                // Random weights need strides that pretrained ones would not forgive.
                "decoder_learning_rate": 0.01,
                // Whether the folds of a model with random weights pass the gate is luck; this one lets everything through.
                "gate_margin": .number(margin),
            ],
        ]
        var parts = [FormPart("task", text: task.text())]
        for index in 0..<count {
            let x = 16 + 3 * index
            parts.append(FormPart("image", bytes: TestImages.disc(x: x, radius: 18), filename: "\(index).png"))
            parts.append(FormPart("mask", bytes: TestImages.mask(x: x, radius: 18), filename: "\(index)_mask.png"))
        }
        return parts + extra
    }

    /// A task whose job no test sees end: it has work for hours.
    static func endlessTask(model: String? = nil) -> [FormPart] { task(model: model, steps: 10_000, imagesPerStep: 64) }

    static func segment(_ prompts: String? = nil, _ extra: [FormPart] = []) -> [FormPart] {
        [FormPart("image", bytes: TestImages.disc(), filename: "scan.png")]
            + (prompts.map { [FormPart("prompts", text: $0)] } ?? []) + extra
    }
}
