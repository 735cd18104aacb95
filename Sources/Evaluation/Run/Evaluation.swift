import Adaptation
import Foundation
import Imaging
package import SegmentAnything

/// One evaluation: a model, datasets and settings in; rows in a journal and a summary out.
package final class Evaluation {
    /// How far a run is.
    package struct Progress: Sendable {
        /// 0 to 1, by what is estimated to be left.
        package let fraction: Double
        /// The arm at work.
        package let note: String
        /// Seconds to the end at the speed so far; nil before anything is known.
        package let secondsLeft: Double?
    }

    private let model: SegmentAnythingModel
    private let settings: EvaluationSettings
    private let plan: EvaluationPlan
    private let journal: Journal
    private let folder: String
    private let scan: DatasetScan

    /// Reads what the output folder already holds.
    ///
    /// - Parameters:
    ///   - folder: Is made when it does not exist.
    ///   - program: The build that runs; only it goes on with what it began.
    package init(
        model: SegmentAnythingModel, scan: DatasetScan, settings: EvaluationSettings, output folder: String,
        program: String? = nil
    ) throws(EvaluationError) {
        self.model = model
        self.settings = settings
        self.scan = scan
        self.folder = folder
        plan = EvaluationPlan(scan.datasets, settings)
        guard !plan.steps.isEmpty else {
            throw .nothingToDo(reason: "no dataset has a usable image with a target that is large enough")
        }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .unwritable(path: folder, reason: "\(error.localizedDescription)")
        }
        journal = try Journal(
            folder: folder,
            header: Journal.Header(
                model: model.sha256, modelName: model.name, program: program, settings: settings.fields))
        for dataset in scan.datasets { try journal.register(dataset) }
    }

    /// Everything that can be said so far: of the whole plan, or of what was done before it was stopped.
    package func findings() -> Findings {
        let planned = Set(plan.steps.map(\.arm))
        let failures = journal.trainings.values.filter { planned.contains($0.arm) }
            .compactMap { training in
                training.failure.map { Omission(dataset: training.arm.dataset, what: training.arm.name, reason: $0) }
            }
        return Findings(
            modelName: model.name, modelSHA256: model.sha256, modelConfiguration: model.configuration,
            settings: settings, datasets: scan.datasets,
            rows: journal.rows.filter { planned.contains(Arm($0)) },
            omissions: scan.omissions + plan.omissions + failures.sorted { $0.what < $1.what },
            cellsDone: plan.steps.reduce(0) { $0 + doneCount($1) },
            cellsPlanned: plan.steps.reduce(0) { $0 + (hasFailed($1.arm) ? 0 : $1.test.count) })
    }

    /// Does what is left, until it is done or `shouldStop` says to end after the image under way.
    package func run(
        shouldStop: () -> Bool = { false }, progress: (Progress) -> Void = { _ in }
    ) throws {
        var meter = WorkMeter(plan.steps.reduce(0) { $0 + leftWork($1) })
        for step in plan.steps where leftWork(step) > 0 {
            guard !shouldStop() else { return }
            progress(meter.progress(step.arm.name))
            guard let answerer = try answerer(for: step, shouldStop, &meter, progress) else { continue }
            for stem in step.test where !journal.isDone(step.arm, stem) {
                guard !shouldStop() else { return }
                try score(stem, step, answerer)
                meter.done(1)
                progress(meter.progress(step.arm.name))
            }
        }
    }

    private func hasFailed(_ arm: Arm) -> Bool { journal.trainings[arm]?.failure != nil }

    private func doneCount(_ step: EvaluationPlan.Step) -> Int {
        step.test.count { journal.isDone(step.arm, $0) }
    }

    /// In images segmented; a training step costs about two.
    private func leftWork(_ step: EvaluationPlan.Step) -> Double {
        let images = step.test.count - doneCount(step)
        guard images > 0, !hasFailed(step.arm) else { return 0 }
        return Double(images) + trainingWork(step)
    }

    private func trainingWork(_ step: EvaluationPlan.Step) -> Double {
        guard let adapter = step.arm.adapter, journal.trainings[step.arm] == nil else { return 0 }
        return 2 * Double(settings.recipe(adapter, supportSeed: step.arm.supportSeed).steps)
    }

    /// The model of an arm, trained first where that is needed; nil when its training failed or was stopped.
    private func answerer(
        for step: EvaluationPlan.Step, _ shouldStop: () -> Bool, _ meter: inout WorkMeter,
        _ progress: (Progress) -> Void
    ) throws -> Answerer? {
        guard let kind = step.arm.adapter else { return Answerer(model, nil) }
        let path = "\(folder)/adapters/\(step.arm.name).safetensors"
        if journal.trainings[step.arm] != nil, let adapter = try? Adapter.load(path: path, for: model) {
            return Answerer(model, adapter)
        }
        let recipe = settings.recipe(kind, supportSeed: step.arm.supportSeed)
        let pauses = TrainingPauses(arm: step.arm, folder: folder, journal: journal)
        do {
            let examples = try examples(step)
            let trainer = try Trainer(
                model: model, examples: examples,
                settings: recipe.tiled(
                    for: examples, model: model.configuration, keepsSteps: settings.steps != nil))
            let trained = try pauses.run(trainer, shouldStop) { told in
                progress(meter.progress("\(step.arm.name), step \(told.step)", ahead: 2 * Double(told.step)))
            }
            try EvaluationError.writing(path) { try trained.adapter.write(to: $0) }
            try note(step, pauses.lastBegan, failure: nil, &meter)
            pauses.end()
            return Answerer(model, trained.adapter)
        } catch AdaptationError.cancelled {
            return nil
        } catch let error as AdaptationError {
            try note(step, pauses.lastBegan, failure: error.description, &meter)
            pauses.end()
            meter.done(Double(step.test.count))
            return nil
        }
    }

    private func note(
        _ step: EvaluationPlan.Step, _ start: ContinuousClock.Instant, failure: String?, _ meter: inout WorkMeter
    ) throws {
        meter.done(trainingWork(step))
        try journal.append(
            Journal.Training(
                arm: step.arm, support: step.support,
                seconds: journal.secondsBefore(step.arm) + (.now - start) / .seconds(1), failure: failure))
    }

    private func examples(_ step: EvaluationPlan.Step) throws -> [Example] {
        try step.support.map { stem in
            let (image, labels) = try PairReader.load(step.dataset.pair(stem))
            return Example(image: image, mask: step.tasks[0].whole(labels))
        }
    }

    /// Segments all targets of one image in all ways: the encoder runs once, and once more for each box that is looked at closely.
    private func score(_ stem: String, _ step: EvaluationPlan.Step, _ answerer: Answerer) throws {
        let start = ContinuousClock.now
        let pair = step.dataset.pair(stem)
        let scorers = try EvaluatedImage(pair, step, settings)
        let segmenter = Segmenter(scorers.image, by: answerer, flips: settings.flips)
        var rows: [ResultRow] = []
        for scorer in scorers.targets {
            rows += try scorer.modelRows(segmenter, settings.prompts)
            if settings.baselines, step.arm.adapter == nil {
                rows += try scorer.baselineRows(settings.prompts, model: model.configuration)
            }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        try journal.append(Journal.Cell(arm: step.arm, stem: stem, seconds: seconds, rows: rows))
    }
}

extension Evaluation {
    /// The pictures of the report: the masks of `rows` made again, which gives the same, and drawn. One that cannot be made, as its image
    /// or its adapter is gone, is left out.
    ///
    /// - Parameter shouldStop: Asked before each; true leaves out the rest.
    package func overlays(of rows: [ResultRow], shouldStop: () -> Bool = { false }) -> [OverlayPicture] {
        rows.compactMap { row in shouldStop() ? nil : try? overlay(of: row) }
    }

    private func overlay(of row: ResultRow) throws -> OverlayPicture? {
        guard let step = plan.steps.first(where: { $0.arm == Arm(row) }) else { return nil }
        let image = try EvaluatedImage(step.dataset.pair(row.stem), step, settings)
        guard let scorer = image.targets.first(where: { $0.made(row) }) else { return nil }
        var adapter: Adapter?
        if step.arm.adapter != nil {
            adapter = try Adapter.load(path: "\(folder)/adapters/\(step.arm.name).safetensors", for: model)
        }
        let segmenter = Segmenter(image.image, by: Answerer(model, adapter), flips: settings.flips)
        let truth = scorer.truth(row.prompt)
        let answer = try segmenter.answer(row.prompt, scorer.drawn, truth: truth)
        return OverlayPicture(row, image: image.image, mask: answer.mask, truth: truth, prompts: scorer.drawn)
    }
}

extension Arm {
    init(_ row: ResultRow) {
        // The base serves all labels of its dataset.
        let isBase = row.adapter == nil
        self.init(
            dataset: row.dataset, label: isBase ? "" : row.label, support: row.support, supportSeed: row.supportSeed,
            adapter: row.adapter)
    }
}
