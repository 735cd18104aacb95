import Adaptation
import Basics
import Foundation
import Imaging
import Metrics
import SegmentAnything
import Testing

/// Not a test of correctness but the instrument behind the figures of `docs/answers.md`: runs only when asked to.
///
/// `GMISEG_PROFILES` holds folders with `images/` and `masks/`, separated by semicolons. Of each, `GMISEG_SUPPORT` images
/// (8) are drawn by each of `GMISEG_SEEDS` seeds (1), and up to `GMISEG_QUERIES` (12) of the rest are the queries. Prints a
/// line for each folder and seed: Dice of the base model's own answer without a prompt and of the support set's way, what
/// that way had on the support set, how many queries are called absent or far, and the same of other folders' images; how
/// often a review is asked for, of poor and of good answers to a box, a point and nothing.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["GMISEG_PROFILES"] != nil, "GMISEG_PROFILES is not set"))
struct ProfileMeasurement {
    private struct Tally {
        var (hits, count) = (0, 0)

        mutating func add(_ isHit: Bool) {
            hits += isHit ? 1 : 0
            count += 1
        }

        var text: String { "\(hits)/\(count)" }
    }

    @Test(.enabled(if: EmbeddedModel.isThere)) func profiles() throws {
        let predictor = Predictor(try SegmentAnythingModel(path: EmbeddedModel.path))
        let reader = PromptlessReader(predictor, isAdapted: false)
        let folders = RecipeMeasurement.list("GMISEG_PROFILES")
        // Two images of each folder, for the others to be far from and without the object.
        let strangers = try folders.map { folder in
            try labelledImages(folder).prefix(2).map { predictor.embed($0.image) }
        }
        for (index, folder) in folders.enumerated() {
            for seed in 0..<RecipeMeasurement.number("GMISEG_SEEDS", 1) {
                let (support, queries) = try RecipeMeasurement.split(folder, seed: UInt64(seed))
                let began = ContinuousClock.now
                let profile = try SupportProfiler(predictor, isAdapted: false).profile(support)
                let seconds = (ContinuousClock.now - began) / .seconds(1)
                var (own, with) = (0.0, 0.0)
                var (absent, far, poor, good) = (Tally(), Tally(), Tally(), Tally())
                for (number, query) in queries.enumerated() {
                    let embedding = predictor.embed(query.image)
                    own += try dice(reader.answer(.none, embedding, nil, byPixels: nil).prediction, query)
                    with += try dice(answer(reader, .none, embedding, query, profile).prediction, query)
                    absent.add(profile.presence(embedding)?.isThere == false)
                    far.add((profile.distance.value(embedding) ?? 0) > EmbeddingDistance.limit)
                    try review(profile, reader, embedding, query, seed: UInt64(number), poor: &poor, good: &good)
                }
                var (otherAbsent, otherFar) = (Tally(), Tally())
                for embedding in strangers.enumerated().filter({ $0.offset != index }).flatMap(\.element) {
                    otherAbsent.add(profile.presence(embedding)?.isThere == false)
                    otherFar.add((profile.distance.value(embedding) ?? 0) > EmbeddingDistance.limit)
                }
                let count = Double(max(queries.count, 1))
                print(
                    URL(filePath: folder).lastPathComponent, "seed \(seed)",
                    String(
                        format: "| own %.1f | %@ %.1f", 100 * own / count, profile.route.rawValue, 100 * with / count),
                    String(format: "(support %.1f)", 100 * (profile.routeDice[profile.route] ?? 0)),
                    "| absent \(absent.text), strangers \(otherAbsent.text) | far \(far.text), strangers \(otherFar.text)",
                    "| review poor \(poor.text), good \(good.text)", String(format: "| %.1f s", seconds))
            }
        }
    }

    private func answer(
        _ reader: PromptlessReader, _ prompt: Prompt, _ embedding: ImageEmbedding, _ query: Example,
        _ profile: SupportProfile
    ) throws -> PromptlessReader.Answer {
        try reader.answer(prompt, embedding, profile, byPixels: profile.pixels?.prediction(query.image))
    }

    private func dice(_ answer: MaskPrediction, _ query: Example) throws -> Double {
        try SegmentationMetrics(prediction: answer.mask(), groundTruth: query.mask).dice
    }

    /// Poor is an answer with a Dice below 0.5.
    private func review(
        _ profile: SupportProfile, _ reader: PromptlessReader, _ embedding: ImageEmbedding, _ query: Example,
        seed: UInt64, poor: inout Tally, good: inout Tally
    ) throws {
        guard let simulator = PromptSimulator(mask: query.mask) else { return }
        var generator = SeededRandom(seed: seed)
        for kind in [PromptKind.box, .point, .none] {
            let found = try self.answer(
                reader, simulator.prompt(kind, using: &generator), embedding, query, profile)
            let answer = found.prediction
            let agreement = try reader.spread(answer, given: found.given, embedding, profile).agreement
            let isFlagged = agreement < (profile.review[kind] ?? .uncalibrated).value
            if try dice(answer, query) < 0.5 { poor.add(isFlagged) } else { good.add(isFlagged) }
        }
    }
}
