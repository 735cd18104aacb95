import Adaptation
import Basics
import HTTP
import Imaging
import Metrics
import SegmentAnything
import Server
import Storage

/// `POST /v1/tasks/{id}/segment` and `POST /v1/segment`.
extension Service {
    func segmentForTask(_ context: RequestContext) async throws -> Response {
        let pinned = try context.query(known: ["adapter"]).integer("adapter", in: 1...1_000_000)
        return try await segment(context, task: try requireTask(context), pinned: pinned)
    }

    func segmentWithBase(_ context: RequestContext) async throws -> Response {
        _ = try context.query()
        return try await segment(context, task: nil)
    }

    private func segment(
        _ context: RequestContext, task: TaskRecord?, pinned: Int? = nil
    ) async throws -> Response {
        let type = try context.negotiate([.json, .png, .csv])
        let request = try SegmentRequest(context, memory: configuration.answerMemory)
        let served = try chooseModel(request, task: task)
        let labels = TaskLabels(task?.labels ?? [])
        let (sent, room) = try await options(of: request)
        defer { withExtendedLifetime((room, request.room)) {} }
        let asked = try labels.asked(sent, path: "prompts")
        let options = try sent.named(labels)
        guard type != .png || !options.uncertainty else {
            throw Problem.invalid(
                "uncertainty", "a PNG is the mask alone, without what \"uncertainty\" is asked for",
                hint: "leave the header Accept out, for JSON, or leave \"uncertainty\" out")
        }
        return try await gate.interactive {
            var watch = Stopwatch { [telemetry] in telemetry.observe(stage: $0, seconds: $1) }
            let tier: Tier =
                if let task {
                    try await self.tier(
                        of: task, model: served.model, prompt: options.prompts.kind, pinned: pinned)
                } else {
                    .base(reason: "no task was named")
                }
            let image = try await open(request.source, for: context.identity)
            // Before anything that may take long: a mask prompt, which is not of the image, waits for nothing.
            try options.prompts.check(width: image.width, height: image.height, path: "prompts")
            let plan = SegmentPlan(
                task: task, served: served, tier: tier, image: image, options: options,
                labels: labels, asked: asked, profile: try await profile(of: task, served, tier, options))
            let truth = try await groundTruth(request.groundTruth, of: plan.image, labels)
            watch.lap("decode")
            let spacing = (request.spacing ?? task?.spacing.map { SpacingRequest(x: $0.x, y: $0.y) })
                .flatMap { Spacing(x: $0.x, y: $0.y) }
            let answer = try await masks(plan, hasTruth: truth != nil, watch: watch) {
                [build] segmented, embedding, outcome, watch in
                try SegmentAnswer(
                    plan, segmented, embedding, truth: truth, spacing: spacing, outcome: outcome, build: build,
                    watch: watch)
            }
            switch type {
            case .png: return answer.png
            case .csv: return answer.csv
            default: return answer.json
            }
        }
    }

    /// What is asked for, and the memory that its mask prompt takes until the answer: decoded one after the other, as images are.
    private func options(
        of request: SegmentRequest
    ) async throws -> (SegmentOptions, AnswerMemory.Room?) {
        let (limits, memory) = (configuration.imageLimits, configuration.answerMemory)
        guard request.bringsMask else { return (try request.options(limits: limits), nil) }
        return try await imaging.run {
            let options = try request.options(limits: limits)
            return (options, try memory.claim(maskPrompt: options.prompts.mask, field: "prompts.mask"))
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

    private func groundTruth(
        _ upload: ImageUpload?, of image: OpenedImage, _ labels: TaskLabels
    ) async throws -> LabelImage? {
        guard let upload else { return nil }
        let mask = try await imaging.run { [limits = configuration.imageLimits] in
            let raw = try upload.decode(limits: limits)
            // The noise around every edge would count as object, and every measure be off.
            var values: Set<UInt16> = []
            if try upload.mediaType() == "image/jpeg",
                raw.samples.contains(where: { values.insert($0).inserted && values.count > 2 })
            {
                throw Problem.invalid(
                    "ground_truth", "\(upload.name) is a JPEG, whose compression has changed its values",
                    hint: "save the mask as PNG")
            }
            if labels.isBinary, MaskSamples.hasSoftEdges(raw) || MaskSamples.isContinuous(raw) {
                throw Problem.invalid(
                    "ground_truth",
                    "\(upload.name) has many greys between 0 and its brightest value, as smooth scaling leaves them around edges, or an image has "
                        + "them; each would count as object",
                    hint: "send a mask of two values, scaled without interpolation")
            }
            do throws(TaskLabels.Misfit) {
                return try labels.read(raw)
            } catch {
                throw Problem(error, labels, field: "ground_truth", name: upload.name)
            }
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
}
