import Adaptation
import HTTP
import Imaging
import SegmentAnything
import Server
import Storage
import Tensor

/// `POST /v1/tasks?dry_run=true`: what is wrong with a support set, and what its job would take. Nothing is kept.
extension Service {
    func checkTask(_ context: RequestContext) async throws -> Response {
        let form: TaskForm
        do throws(Problem) {
            form = try TaskForm(context, maximumExamples: configuration.maximumExamples)
        } catch {
            guard error.kind == .unpairedExample else { throw error }
            // Which belongs to which is not known, so nothing more can be said.
            return .json([
                "findings": [FindingAnswer(error, file: nil).json], "estimate": .null, "pairing": .null, "examples": [],
            ])
        }
        var imported: ImportedAdapter?
        if let file = form.adapter { imported = try await importedAdapter(file, model: form.task.model) }
        let served = try check(form.task, imported?.model)
        let labels = try TaskLabels(form.task.labels, importing: imported?.card)
        guard let support = form.support?.with(labels) else {
            // The adapter can be imported, and no job is asked for.
            return .json(["findings": [], "estimate": .null, "pairing": .null, "examples": []])
        }
        let linter = SupportLinter(
            configuration: served.model.configuration, hasSpacing: form.task.spacing != nil,
            labelCount: support.labels.count)
        try await checkPixels(of: support)
        let (findings, patients) = try await findings(support, linter)
        let (masks, room) = try await imaging.run {
            [limits = configuration.imageLimits, memory = configuration.answerMemory] in
            try support.masks(limits: limits, memory: memory)
        }
        defer { withExtendedLifetime(room) {} }
        let recipe = form.task.recipe.telling(support.labels.count)
        try checkPixels(masks.map { ($0.width, $0.height) })
        try Self.checkTiles(recipe, masks.map { ($0.width, $0.height) }, field: "task")
        // A job is held off: beside one, the machine would seem slower than it is.
        let estimate = try await gate.interactive {
            try await encoding.run { [gate, clicks, speeds, memory = configuration.jobMemory] in
                try Threads.givingWay(to: clicks) {
                    try Self.estimate(
                        recipe, patients, masks, try speeds.measured(served.model, beside: gate), served.model, memory)
                }
            }
        }
        return .json([
            "findings": .array(findings.map(\.json)),
            "estimate": estimate,
            "pairing": Self.json(support.pairing.rule),
            "examples": .array(
                zip(support.stems, support.names).enumerated().map { index, example in
                    [
                        "stem": .string(example.0), "image": .string(example.1.image), "mask": .string(example.1.mask),
                        "patient": .integer(patients.groups[index] + 1),
                    ]
                }),
        ])
    }

    /// Refuses a support set of too many pixels before any is decoded.
    ///
    /// - Parameter known: The sizes of those that the task has already.
    func checkPixels(of form: SupportForm, beside known: [(width: Int, height: Int)] = []) async throws {
        let sizes = try await imaging.run { [limits = configuration.imageLimits] in form.sizes(limits: limits) }
        try checkPixels(known + sizes)
    }

    /// Of every example that can be read, and of those that cannot why; and whom the images show, as a job will group them.
    private func findings(
        _ form: SupportForm, _ linter: SupportLinter
    ) async throws -> (findings: [FindingAnswer], patients: PatientGroups) {
        var unreadable: [FindingAnswer] = []
        var (traits, names, groups) = ([ExampleTraits](), [FindingAnswer.Names](), [Int]())
        for index in 0..<form.exampleCount {
            // One at a time: requests that come meanwhile need not wait for all.
            let found = try await imaging.run { [limits = configuration.imageLimits] in
                Result { () throws(Problem) in try form.traits(index, limits: limits) }
            }
            switch found {
            case .success(let found):
                traits.append(found)
                names.append(form.names[index])
                groups.append(index)
            case .failure(let error):
                let isMask = error.field?.hasPrefix("mask") == true
                unreadable.append(
                    FindingAnswer(error, file: isMask ? form.names[index].mask : form.names[index].image))
            }
        }
        let readable = form.patients(groups, pictures: traits.map(\.imageHash))
        // Not here: of hundreds of examples each is compared with all others.
        let found = try await imaging.run { [traits] in linter.findings(traits, patients: readable) }
        let findings = found.map { FindingAnswer($0, names: names, places: groups, labels: form.labels) }
        // A picture that cannot be read is like no other.
        var pictures = form.stems.indices.map { "example \($0)" }
        for (index, trait) in zip(groups, traits) { pictures[index] = trait.imageHash }
        return (unreadable + findings, form.patients(Array(form.stems.indices), pictures: pictures))
    }

    /// Examples as they are to be stored. What the linter calls an error is refused.
    ///
    /// - Parameter isWhole: They are the whole support set, and not more of one.
    func support(
        _ form: SupportForm, isWhole: Bool, for model: SegmentAnything.Configuration
    ) async throws -> [NewExample] {
        let linter = SupportLinter(configuration: model, hasSpacing: true, labelCount: form.labels.count)
        var examples: [NewExample] = []
        var traits: [ExampleTraits] = []
        for index in 0..<form.exampleCount {
            // One at a time: requests that come meanwhile need not wait for all.
            let (example, trait) = try await imaging.run { [limits = configuration.imageLimits] in
                try form.example(index, limits: limits)
            }
            let findings = linter.findings([trait], patients: .init(stems: ["x"], given: [nil]))
            if let error = findings.first(where: { $0.severity == .error && $0.example != nil }) {
                let answer = FindingAnswer(
                    error, names: [form.names[index]], places: [index], labels: form.labels)
                throw Problem(
                    .unusableExample, "\(answer.file ?? ""): \(answer.message)", field: answer.field, hint: answer.hint)
            }
            examples.append(example)
            traits.append(trait)
        }
        guard isWhole else { return examples }
        // Of the set as a whole there is one thing that cannot be used: a label that it does not show.
        let patients = form.patients(Array(form.stems.indices), pictures: traits.map(\.imageHash))
        let findings = try await imaging.run { [traits] in linter.findings(traits, patients: patients) }
        if let error = findings.first(where: { $0.severity == .error }) {
            let answer = FindingAnswer(error, names: form.names, places: [], labels: form.labels)
            throw Problem(.unusableExample, answer.message, field: answer.field, hint: answer.hint)
        }
        return examples
    }

    private static func estimate(
        _ recipe: Recipe, _ patients: PatientGroups, _ masks: [Mask], _ measured: SpeedProbes.Measured,
        _ model: SegmentAnythingModel, _ memory: MemoryBudget
    ) throws -> JSON {
        let estimate = try measured.speed.estimate(
            recipe, masks: masks, patients: patients, configuration: model.configuration,
            trainedNumbers: model.trainedNumbers)
        let encoder = JSON.rounded(measured.speed.encoderSeconds * 1e3, places: 0).text()
        let step = JSON.rounded(measured.speed.decoderSeconds * 1e3, places: 0).text()
        return [
            "seconds": .rounded(estimate.seconds, places: 1),
            "memory_bytes": .integer(measured.peakBytes + estimate.bytes),
            "memory_allowed_bytes": .optional(memory.limit),
            "tiles": estimate.tileSide.map { side in
                ["side": .integer(side), "count": .optional(estimate.tileCount)]
            } ?? .null,
            "note": .string(
                "measured on this machine: \(encoder) ms to encode an image, \(step) ms for an image of a training step; "
                    + "memory is that of the whole server"),
        ]
    }
}
