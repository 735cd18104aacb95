import Adaptation
import Basics
import HTTP
import Imaging
import Metrics
import SegmentAnything
import Server
import Storage
import Tensor

/// `POST /v1/tasks/{id}/segment` and `POST /v1/segment`.
extension Service {
    func segmentForTask(_ context: RequestContext) async throws -> Response {
        _ = try context.query()
        return try await segment(context, task: try requireTask(context))
    }

    func segmentWithBase(_ context: RequestContext) async throws -> Response {
        _ = try context.query()
        return try await segment(context, task: nil)
    }

    private func segment(_ context: RequestContext, task: TaskRecord?) async throws -> Response {
        let type = try context.negotiate([.json, .png])
        let request = try SegmentRequest(context)
        let served = try chooseModel(request, task: task)
        let model = served.model
        return try await gate.interactive {
            var watch = Stopwatch()
            let tier: Tier =
                if let task { try await self.tier(of: task, model: model) } else { .base(reason: "no task was named") }
            let image = try await open(request.source)
            try request.prompts.check(width: image.width, height: image.height, path: "prompts")
            let truth = try await groundTruth(request.groundTruth, of: image)
            watch.lap("decode")
            let (embedding, outcome) = try await embed(image, model: model, tier: tier)
            watch.lap("embed")
            let spacing = (request.spacing ?? task?.spacing.map { SpacingRequest(x: $0.x, y: $0.y) })
                .flatMap { Spacing(x: $0.x, y: $0.y) }
            let answer = try await clicks.interactive {
                try await decoding.run { [self, watch] in
                    let masks = try Segmenter(model: model, tier: tier)
                        .masks(embedding, prompts: request.prompts.prompts, multimask: request.multimask)
                    var lap = watch
                    lap.lap("predict")
                    return try SegmentAnswer(
                        task: task?.id, tier: tier, image: image, request: request, masks: masks, truth: truth,
                        spacing: spacing, embedding: outcome, served: served, build: build, watch: lap)
                }
            }
            return type == .png ? answer.png : answer.json
        }
    }

    /// The task's model, or the one that a request without a task chose.
    private func chooseModel(_ request: SegmentRequest, task: TaskRecord?) throws(Problem) -> ServedModel {
        guard let task else { return try models.named(request.model, field: "model") }
        let own = try models.model(of: task)
        if let name = request.model {
            let asked = try models.named(name, field: "model")
            guard asked.model.sha256 == own.model.sha256 else {
                throw Problem.invalid(
                    "model", "the task \(task.id) was made with the model \"\(own.name)\", not with \"\(asked.name)\"",
                    hint: "leave \"model\" out, or POST /v1/segment for a model without a task")
            }
        }
        return own
    }

    /// The image that a request names or brings; bytes that do not decode end here.
    private func open(_ source: SegmentRequest.Source) async throws -> OpenedImage {
        switch source {
        case .upload(let upload):
            return try await imaging.run { [limits = configuration.imageLimits] in
                OpenedImage(try upload.decode(limits: limits))
            }
        case .stored(let id):
            guard let hash = ImageIdentifier.hash(id), let record = try store.image(id) else {
                throw Problem.notFound("image", id, field: "image_id", hint: "upload it with POST /v1/images first")
            }
            // The embedding may be there already, and then nobody needs the pixels.
            return OpenedImage(
                hash: hash, width: record.width, height: record.height, path: try store.localPath(record.file))
        }
    }

    private func groundTruth(_ upload: ImageUpload?, of image: OpenedImage) async throws -> Mask? {
        guard let upload else { return nil }
        let mask = try await imaging.run { [limits = configuration.imageLimits] in
            Mask(try upload.decode(limits: limits))
        }
        guard mask.width == image.width, mask.height == image.height else {
            throw Problem(
                .sizeMismatch,
                "the image has \(image.width) × \(image.height) pixels, \(upload.name) has \(mask.width) × \(mask.height)",
                field: "ground_truth",
                hint: "a mask has exactly the size of its image: export it without scaling or cropping",
                extensions: [
                    .init("image_size", [.integer(image.width), .integer(image.height)]),
                    .init("mask_size", [.integer(mask.width), .integer(mask.height)]),
                ])
        }
        return mask
    }

    private func embed(
        _ image: OpenedImage, model: SegmentAnythingModel, tier: Tier
    ) async throws -> (value: ImageEmbedding, outcome: CacheOutcome) {
        let key = EmbeddingKey(
            pixels: image.hash, preprocessing: Preprocessing.version, model: model, adapter: tier.adapter)
        return try await embeddings.value(for: key) {
            [imaging, encoding, clicks, limits = configuration.imageLimits] in
            let pixels = try await imaging.run {
                RGBImage(try image.raw(limits: limits), window: Preprocessing.window)
            }
            // Through the base model when the adapter leaves the encoder alone, as the key says.
            let predictor = Predictor(
                model, adjustment: key.adapter == nil ? .none : tier.adapter?.adapter.adjustment ?? .none)
            let embedding = try await encoding.run { Threads.givingWay(to: clicks) { predictor.embed(pixels) } }
            return .init(embedding, byteCount: embedding.byteCount)
        }
    }
}

/// An image whose identity and size are known, and whose pixels can be had.
struct OpenedImage: Sendable {
    let hash: String
    let width: Int
    let height: Int
    private let decoded: RawImage?
    private let path: String?

    init(_ raw: RawImage) {
        hash = PixelHash.of(raw)
        width = raw.width
        height = raw.height
        decoded = raw
        path = nil
    }

    init(hash: String, width: Int, height: Int, path: String) {
        self.hash = hash
        self.width = width
        self.height = height
        self.path = path
        decoded = nil
    }

    func raw(limits: ImageLimits) throws(Problem) -> RawImage {
        if let decoded { return decoded }
        do {
            return try ImageDecoder.decode(path: path ?? "", limits: limits)
        } catch {
            throw Problem(error, field: "image_id", name: "the stored image")
        }
    }
}
