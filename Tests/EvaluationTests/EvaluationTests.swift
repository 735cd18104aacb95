import Adaptation
import Evaluation
import Foundation
import Imaging
import SegmentAnything
import TestSupport
import Testing

/// Whole runs on small datasets.
struct EvaluationTests {
    private func evaluation(
        _ maker: DatasetMaker, _ settings: EvaluationSettings, output: String = "out"
    ) throws -> Evaluation {
        try Evaluation(
            model: tinyModel, scan: try maker.scan(), settings: settings, output: maker.folder.file("results/\(output)")
        )
    }

    @Test func measuresEveryTargetInEveryWay() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 3)
        let run = try evaluation(maker, quickSettings())
        try run.run()
        let findings = run.findings()
        #expect(findings.isComplete && findings.omissions.isEmpty)
        // Three discs and two squares, each with three prompts by the model; box and ellipse, grid twice more, whole image.
        let rows = findings.rows
        #expect(rows.count { $0.method == .model } == 15)
        #expect(rows.count { $0.method == .ellipse } == 5)
        #expect(rows.count { $0.method == .gridLimit } == 15)
        #expect(rows.allSatisfy { (0...1).contains($0.dice) && $0.jaccard <= $0.dice })
        #expect(
            rows.filter { $0.prompt == .corrected && $0.method == .model }.allSatisfy { $0.diceByClick?.count == 5 })
        #expect(rows.filter { $0.diceByClick != nil }.allSatisfy { $0.diceByClick?.last == $0.dice })
        // A disc is nearly an ellipse in its box.
        let discs = rows.filter { $0.method == .ellipse && $0.label == "1" }
        #expect(discs.allSatisfy { $0.dice > 0.75 })
        let disc = try #require(rows.first { $0.label == "1" })
        #expect(disc.truthArea == 113)
    }

    @Test func theSameSettingsGiveTheSameRows() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 6)
        var settings = quickSettings([.box, .none])
        settings.supportSizes = [0, 1, 2]
        let runs = try ["a", "b"].map { name in
            let run = try evaluation(maker, settings, output: name)
            try run.run()
            return run.findings().rows
        }
        #expect(runs[0] == runs[1])
        #expect(runs[0].contains { $0.support == 2 && $0.adapter == .decoder })
    }

    @Test func flipsAreAveraged() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 3)
        var settings = quickSettings()
        let runs = try [false, true].map { flips in
            settings.flips = flips
            let run = try evaluation(maker, settings, output: "\(flips)")
            try run.run()
            return run.findings().rows.filter { $0.method == .model }
        }
        #expect(runs[0].count == 15 && runs[1].count == 15)
        #expect(runs[0].map(\.prompt) == runs[1].map(\.prompt))
        #expect(runs[0].map(\.dice) != runs[1].map(\.dice))
        #expect(settings.fields["flips"] == "true" && EvaluationSettings().fields["flips"] == nil)
    }

    @Test func adaptsAtTheGivenRatesAndRank() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 6)
        func run(_ name: String, _ change: (inout EvaluationSettings) -> Void) throws -> ([ResultRow], Adapter) {
            var settings = quickSettings([.box])
            (settings.supportSizes, settings.adapters, settings.baselines) = ([2], [.loraDecoder], false)
            change(&settings)
            let run = try evaluation(maker, settings, output: name)
            try run.run()
            let path = maker.folder.file("results/\(name)/adapters/discs/1/lora+decoder/n2/seed0.safetensors")
            return (run.findings().rows, try Adapter.load(path: path, for: tinyModel))
        }
        let (rows, standard) = try run("standard") { _ in }
        let others = [
            try run("factors") { $0.learningRate = 0.3 }, try run("decoder") { $0.decoderLearningRate = 0.3 },
            try run("rank") { $0.rank = 3 },
        ]
        #expect(others.allSatisfy { $0.0.count == rows.count && $0.1.sha256 != standard.sha256 })
        #expect(standard.card.rank == 4 && others[2].1.card.rank == 3 && others[2].1.card.alpha == 3)

        // Another rate is another evaluation; none given is what it always was.
        var settings = EvaluationSettings()
        let before = settings.fields
        (settings.learningRate, settings.decoderLearningRate, settings.rank) = (0.25, 0.5, 3)
        #expect(
            settings.fields.merging(before) { new, _ in new }.filter { before[$0.key] != $0.value }
                == ["learning-rate": "0.25", "decoder-learning-rate": "0.5", "rank": "3"])
    }

    /// Stopped after each image and run again, it gives what one run gives, and does nothing twice.
    @Test func goesOnWhereItStopped() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 6)
        var settings = quickSettings([.onePoint])
        settings.supportSizes = [0, 2]
        let whole = try evaluation(maker, settings, output: "whole")
        try whole.run()
        var rounds = 0
        while true {
            let run = try evaluation(maker, settings, output: "pieces")
            if run.findings().isComplete { break }
            let before = run.findings().cellsDone
            try run.run(shouldStop: { run.findings().cellsDone > before })
            #expect(run.findings().cellsDone > before)
            rounds += 1
            if rounds > 100 { break }
        }
        #expect(rounds > 6)
        let resumed = try evaluation(maker, settings, output: "pieces")
        #expect(resumed.findings().rows == whole.findings().rows)
        let journal = try String(contentsOfFile: maker.folder.file("results/pieces/journal.jsonl"), encoding: .utf8)
        try resumed.run()
        #expect(
            try String(contentsOfFile: maker.folder.file("results/pieces/journal.jsonl"), encoding: .utf8) == journal)
    }

    /// However short its time is, a run gets on with the training under way.
    @Test func goesOnInTheMiddleOfATraining() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 6)
        var settings = quickSettings([.box])
        (settings.supportSizes, settings.steps, settings.baselines) = ([2], 3, false)
        let whole = try evaluation(maker, settings, output: "whole")
        try whole.run()
        let adapters = maker.folder.file("results/pieces/adapters")
        func checkpoints() -> [String] {
            (FileManager.default.enumerator(atPath: adapters)?.compactMap { $0 as? String } ?? [])
                .filter { $0.hasSuffix(".checkpoint") }
        }
        var rounds = 0
        while rounds < 40 {
            let run = try evaluation(maker, settings, output: "pieces")
            if run.findings().isComplete { break }
            var hasMoved = false
            try run.run(shouldStop: { hasMoved }, progress: { hasMoved = hasMoved || $0.note.contains("step") })
            if rounds == 0 { #expect(checkpoints().count == 1) }
            rounds += 1
        }
        #expect((4..<40).contains(rounds), "stopped after each step of a training at least")
        let resumed = try evaluation(maker, settings, output: "pieces")
        #expect(resumed.findings().rows == whole.findings().rows)
        #expect(checkpoints().isEmpty)
    }

    /// A crash may cut the last line anywhere.
    @Test func survivesACutJournal() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 2)
        let rows = try finishedRows(maker)
        let path = maker.folder.file("results/out/journal.jsonl")
        let bytes = try Data(contentsOf: URL(filePath: path))
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: true)
        let lastStart = bytes.count - 1 - (lines.last?.count ?? 0)
        for end in stride(from: lastStart, to: bytes.count, by: 97) {
            try bytes.prefix(end).write(to: URL(filePath: path))
            let run = try evaluation(maker, quickSettings([.box]))
            #expect(!run.findings().isComplete)
            try run.run()
            #expect(run.findings().rows == rows)
        }
    }

    /// Of a run that has let go of its journal.
    private func finishedRows(_ maker: DatasetMaker) throws -> [ResultRow] {
        let run = try evaluation(maker, quickSettings([.box]))
        try run.run()
        return run.findings().rows
    }

    /// Two runs over one journal would write into each other's lines.
    @Test func aJournalHasOneWriter() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 2)
        let first = try evaluation(maker, quickSettings([.box]))
        #expect(
            throws: EvaluationError.unwritable(
                path: maker.folder.file("results/out/journal.jsonl"), reason: "another run is writing it")
        ) { try evaluation(maker, quickSettings([.box])) }
        withExtendedLifetime(first) {}
    }

    /// Another build may mean another thing by the same words, so that its rows are not to be averaged with these.
    @Test func refusesAnotherBuildsJournal() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 2)
        func open(_ program: String?) throws -> Int {
            try Evaluation(
                model: tinyModel, scan: try maker.scan(), settings: quickSettings([.box]),
                output: maker.folder.file("results/out"), program: program
            ).findings().cellsPlanned
        }
        _ = try open("0.1.0 abc")
        #expect(try open("0.1.0 abc") == 2)
        for other in ["0.1.0 abd", nil] {
            #expect {
                _ = try open(other)
            } throws: { error in
                if case .otherSettings(_, "program", _, _) = error as? EvaluationError { true } else { false }
            }
        }
    }

    @Test func refusesAnotherRunsJournal() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 2)
        _ = try evaluation(maker, quickSettings([.box]))
        #expect {
            _ = try evaluation(maker, quickSettings([.none]))
        } throws: { error in
            if case .otherSettings(_, "prompts", "\"box\"", "\"none\"") = error as? EvaluationError {
                true
            } else {
                false
            }
        }
        #expect {
            _ = try Evaluation(
                model: SegmentAnythingModel(configuration: .tiny, randomSeed: 4), scan: try maker.scan(),
                settings: quickSettings([.box]), output: maker.folder.file("results/out"))
        } throws: { error in
            if case .otherSettings(_, "model", _, _) = error as? EvaluationError { true } else { false }
        }
        let path = maker.folder.file("results/out/journal.jsonl")
        #expect(
            throws: EvaluationError.otherSettings(
                path: path, field: "instances", journal: "without \"discs\"", now: "with \"discs\"")
        ) {
            try Evaluation(
                model: tinyModel, scan: try maker.scan(instances: ["discs"]), settings: quickSettings([.box]),
                output: maker.folder.file("results/out"))
        }
        try maker.write(
            png(LabelMap(width: 40, height: 32, labels: [UInt16](repeating: 3, count: 1280))),
            "discs/masks/case0-slice0.png")
        #expect {
            _ = try evaluation(maker, quickSettings([.box]))
        } throws: { error in
            if case .datasetChanged("discs", _) = error as? EvaluationError { true } else { false }
        }
    }

    /// And leaves it as it is, also one without the end of a line.
    @Test(arguments: ["{}\n", "{\"version\":2}\n", "not json\n", "not json", "{}", "{\"modal\":"])
    func refusesAForeignJournal(_ text: String) throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 1)
        try maker.write(Array(text.utf8), "results/out/journal.jsonl")
        #expect(throws: EvaluationError.self) { try evaluation(maker, quickSettings()) }
        let path = maker.folder.file("results/out/journal.jsonl")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    /// A crash in the middle of the first line.
    @Test(arguments: [0, 1, 9]) func beginsAgainAfterACutHead(_ length: Int) throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 1)
        let rows = try finishedRows(maker)
        let path = maker.folder.file("results/out/journal.jsonl")
        try Data(contentsOf: URL(filePath: path)).prefix(length).write(to: URL(filePath: path))
        #expect(try finishedRows(maker) == rows)
    }

    /// Every byte of a journal changed in turn: an error or a run, never a crash.
    @Test func survivesADamagedJournal() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 1)
        try evaluation(maker, quickSettings([.box])).run()
        let path = maker.folder.file("results/out/journal.jsonl")
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        for index in stride(from: 0, to: bytes.count, by: 7) {
            for value in [UInt8(ascii: "}"), 0, UInt8(ascii: "9"), 0xFF] {
                var damaged = bytes
                damaged[index] = value
                try Data(damaged).write(to: URL(filePath: path))
                _ = try? evaluation(maker, quickSettings([.box])).findings()
            }
        }
    }

    @Test func objectsAreTestedOneByOne() throws {
        let maker = try DatasetMaker()
        try maker.discs("cells", count: 2)
        var settings = quickSettings([.box, .none])
        settings.baselines = false
        let run = try Evaluation(
            model: tinyModel, scan: try maker.scan(instances: ["cells"]), settings: settings,
            output: maker.folder.file("out"))
        try run.run()
        let rows = run.findings().rows
        #expect(rows.allSatisfy { $0.label == "objects" && $0.object.isEmpty == ($0.prompt == PromptStyle.none) })
        // The second image has the disc and the square; without a prompt both together are the truth, once.
        let second = rows.filter { $0.stem == "case0-slice1" }
        #expect(second.filter { $0.prompt == .box }.map(\.truthArea) == [113, 36])
        #expect(second.filter { $0.prompt == PromptStyle.none }.map(\.truthArea) == [149])
        #expect(run.overlays(of: second).count == 3)
    }

    @Test func labelsAreChosen() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 2)
        var settings = quickSettings([.box])
        settings.baselines = false
        for (choice, areas) in [("merge", [113, 149]), ("2", [36]), ("1,2", [36, 113, 113])] {
            settings.labels = try #require(LabelChoice(choice))
            let run = try evaluation(maker, settings, output: choice)
            try run.run()
            #expect(run.findings().rows.map(\.truthArea).sorted() == areas)
        }
        settings.labels = .only([9])
        #expect(throws: EvaluationError.self) { try evaluation(maker, settings, output: "none") }
        settings.labels = .each
        settings.minimumPixels = 100
        let run = try evaluation(maker, settings, output: "large")
        try run.run()
        #expect(run.findings().rows.map(\.truthArea) == [113, 113])
    }

    @Test func labelsThatNoMaskHasAreNamed() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 2)
        var settings = quickSettings([.none])
        settings.labels = .only([1, 9])
        let omissions = try evaluation(maker, settings).findings().omissions
        #expect(omissions.map(\.what) == ["label 9"])
    }

    @Test func supportSizesThatCannotBeAreNamed() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 7)
        var settings = quickSettings([.none])
        settings.supportSizes = [0, 2, 16]
        settings.labels = .only([1])
        let run = try evaluation(maker, settings)
        try run.run()
        #expect(run.findings().omissions.map(\.what) == ["label 1, support 16, seed 0"])
        #expect(run.findings().isComplete)
    }
}
