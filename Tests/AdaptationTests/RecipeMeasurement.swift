import Adaptation
import Basics
import Foundation
import SegmentAnything
import Testing

/// Not a test of correctness but the instrument behind the figures of `docs/adaptation.md`: runs only when asked to.
///
/// `GMISEG_RECIPES` holds recipes, `GMISEG_FOLDERS` data sets, both separated by semicolons, for example
/// `GMISEG_RECIPES='decoder steps=100 rate=5e-4;lora steps=100'`. A folder with `support/` and `queries/` is used as it
/// lies; of any other, `GMISEG_SUPPORT` images (8) are drawn by each of `GMISEG_SEEDS` seeds (1), and up to
/// `GMISEG_QUERIES` (12) of the rest are the queries, of other patients where `GMISEG_PATIENTS` is a regular expression whose
/// first group names them in a stem. Prints one line per folder, recipe and seed. With `GMISEG_OTHERS=2` so many images of
/// each other folder tell how much of the other tasks an adapter forgets (`others`: the change in their Dice, by kind of prompt).
@Suite(.enabled(if: ProcessInfo.processInfo.environment["GMISEG_RECIPES"] != nil, "GMISEG_RECIPES is not set"))
struct RecipeMeasurement {
    static func setting(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    static func number(_ name: String, _ standard: Int) -> Int { setting(name).flatMap { Int($0) } ?? standard }

    static func list(_ name: String) -> [String] {
        (setting(name) ?? "").split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// `decoder steps=100 rate=5e-4` as settings; anything unknown is a mistake of the one who measures.
    static func recipe(_ text: String, seed: UInt64) throws -> AdaptationSettings {
        let words = text.split(separator: " ")
        var settings = AdaptationSettings(kind: try #require(AdapterKind(rawValue: String(words[0]))), seed: seed)
        for word in words.dropFirst() {
            let parts = word.split(separator: "=")
            let (key, value) = (parts[0], try #require(Float(parts[1])))
            switch key {
            case "steps": settings.steps = Int(value)
            case "rate": settings.learningRate = value
            case "decoderRate": settings.decoderLearningRate = value
            case "decay": settings.weightDecay = value
            case "images": settings.imagesPerStep = Int(value)
            case "views": settings.augmentedViews = Int(value)
            case "rank": settings.rank = Int(value)
            case "alpha": settings.alpha = value
            case "tiles": settings.tileSide = Int(value)
            case "lastBlocks": settings.lastBlocks = Int(value)
            default: Issue.record("unknown setting \(key)")
            }
        }
        return settings
    }

    @Test(.enabled(if: EmbeddedModel.isThere)) func recipes() throws {
        let model = try SegmentAnythingModel(path: EmbeddedModel.path)
        let folders = Self.list("GMISEG_FOLDERS")
        let strangers = try Self.strangers(folders)
        for folder in folders {
            let others = strangers.filter { $0.key != folder }.sorted { $0.key < $1.key }.flatMap(\.value)
            let known = others.isEmpty ? [:] : try meanDice(Predictor(model), others)
            for seed in 0..<Self.number("GMISEG_SEEDS", 1) {
                let (support, queries) = try Self.split(folder, seed: UInt64(seed))
                guard !support.isEmpty, !queries.isEmpty else { continue }
                let before = try meanDice(Predictor(model), queries)
                Self.report(folder, "base", seed, before, nil)
                for text in Self.list("GMISEG_RECIPES") {
                    let settings = try Self.recipe(text, seed: UInt64(seed))
                    let (began, beganCPU) = (ContinuousClock.now, Self.processorSeconds())
                    let trained = try Trainer(model: model, examples: support, settings: settings).run()
                    let seconds = (ContinuousClock.now - began) / .seconds(1)
                    let processor = Self.processorSeconds() - beganCPU
                    let adapted = Predictor(model, adjustment: trained.adapter.adjustment)
                    let after = try meanDice(adapted, queries, tiling: settings.tiling)
                    let left = others.isEmpty ? [:] : try meanDice(adapted, others)
                    let lost = PromptKind.allCases.compactMap { kind in
                        left[kind].map { "\(kind.rawValue) " + String(format: "%+.3f", $0 - (known[kind] ?? 0)) }
                    }.joined(separator: " ")
                    Self.report(
                        folder, text, seed, after,
                        String(
                            format: " | loss %.3f | %.1f s, %.1f s of processor", trained.adapter.card.finalLoss,
                            seconds, processor) + (lost.isEmpty ? "" : " | others " + lost))
                }
            }
        }
    }

    static func split(_ folder: String, seed: UInt64) throws -> (support: [Example], queries: [Example]) {
        if FileManager.default.fileExists(atPath: folder + "/queries") {
            return (try labelledImages(folder + "/support"), try labelledImages(folder + "/queries"))
        }
        return try split(namedImages(folder), seed: seed)
    }

    static func split(
        _ images: [(stem: String, example: Example)], seed: UInt64
    ) throws -> (support: [Example], queries: [Example]) {
        var generator = SeededRandom(seed: seed)
        let shuffled = images.shuffled(using: &generator)
        let count = number("GMISEG_SUPPORT", 8)
        guard let pattern = try setting("GMISEG_PATIENTS").map({ try Regex($0) }) else {
            let examples = shuffled.map(\.example)
            return (
                Array(examples.prefix(count)), Array(examples.dropFirst(count).prefix(number("GMISEG_QUERIES", 12)))
            )
        }
        let patients = shuffled.map { named -> Substring in
            named.stem.firstMatch(of: pattern)?.output[1].substring ?? named.stem[...]
        }
        // A third of the patients is kept for the queries: of few patients the support set would have images of all.
        var order: [Substring] = []
        for patient in patients where !order.contains(patient) { order.append(patient) }
        let kept = Set(order.suffix(order.count / 3))
        let isQuery = patients.map { kept.contains($0) }
        let support = zip(shuffled, isQuery).filter { !$0.1 }.prefix(count).map(\.0.example)
        let queries = zip(shuffled, isQuery).filter(\.1).prefix(number("GMISEG_QUERIES", 12)).map(\.0.example)
        return support.count == count ? (support, queries) : ([], [])
    }

    /// By folder, images that tell what adapters to other folders forget.
    static func strangers(_ folders: [String]) throws -> [String: [Example]] {
        let count = number("GMISEG_OTHERS", 0)
        guard count > 0 else { return [:] }
        return try Dictionary(
            uniqueKeysWithValues: folders.map { folder in
                var generator = SeededRandom(seed: 1)
                return (folder, Array(try labelledImages(folder).shuffled(using: &generator).prefix(count)))
            })
    }

    /// Processor time of all threads so far: what a run costs, also on a busy machine.
    static func processorSeconds() -> Double {
        Double(clock()) / 1e6  // POSIX fixes CLOCKS_PER_SEC at a million
    }

    static func report(_ folder: String, _ recipe: String, _ seed: Int, _ dice: [PromptKind: Double], _ cost: String?) {
        let scores = PromptKind.allCases.map { kind in
            "\(kind.rawValue) " + String(format: "%.3f", dice[kind] ?? .nan)
        }
        let name = folder.split(separator: "/").last ?? ""
        print("\(name) | \(recipe) | seed \(seed) | " + scores.joined(separator: " ") + (cost ?? ""))
        fflush(nil)
    }
}
