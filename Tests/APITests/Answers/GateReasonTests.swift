import API
import Adaptation
import Imaging
import Metrics
import Storage
import Testing

/// The sentence about what the gate decided says no more than the test did.
@Suite struct GateReasonTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let margin: Double
        /// The Dice of base and adapter, of each patient and prompt alike.
        let base: Double
        let adapted: Double
        let expected: String
        var testDescription: String { "margin \(margin), \(base) to \(adapted)" }
    }

    static let rows = [
        Row(
            margin: 0, base: 0.5, adapted: 0.9,
            expected: "on held-out images the adapter beats the base model with every kind of prompt"),
        Row(
            margin: 0, base: 0.9, adapted: 0.5,
            expected:
                "on held-out images the adapter does not reliably beat the base model, so the base goes on answering"),
        Row(
            margin: -1, base: 0.9, adapted: 0.5,
            expected:
                "on held-out images the adapter loses less than the 100 Dice points that gate_margin allows with every kind of prompt"
        ),
        Row(
            margin: -0.02, base: 0.9, adapted: 0.5,
            expected:
                "on held-out images the adapter may lose more than the 2 Dice points that gate_margin allows, so the base goes on answering"
        ),
        Row(
            margin: 0.025, base: 0.5, adapted: 0.9,
            expected:
                "on held-out images the adapter gains more than the 2.5 Dice points asked for with every kind of prompt"
        ),
        Row(
            margin: 1, base: 0.5, adapted: 0.9,
            expected:
                "on held-out images the adapter does not reliably gain the 100 Dice points asked for, so the base goes on answering"
        ),
    ]

    @Test(arguments: rows) func saysWhatWasAskedOfTheGain(_ row: Row) throws {
        let gate = Gate(
            base: try Self.scores { _ in row.base }, adapted: try Self.scores { _ in row.adapted },
            patients: Array(0..<8), margin: row.margin)
        #expect(HeldOutAnswer.reason(gate, labels: TaskLabels([])) == row.expected)
        // Where an earlier version answers, it is that which goes on.
        #expect(
            HeldOutAnswer.reason(gate, labels: TaskLabels([]), previous: 3)
                == row.expected.replacing("so the base goes on", with: "so version 3 goes on"))
    }

    @Test func tellsTheKindsOfPromptsApart() throws {
        let gate = Gate(
            base: try Self.scores { _ in 0.5 }, adapted: try Self.scores { $0 == .none ? 0.5 : 0.9 },
            patients: Array(0..<8), margin: 0)
        #expect(
            HeldOutAnswer.reason(gate, labels: TaskLabels([]))
                == "on held-out images the adapter beats the base model with a box and with points, "
                + "but without a prompt it does not reliably beat the base model; there the base goes on answering")
    }

    /// An adapter that beats the base model with hasty boxes is not said not to.
    @Test func tellsTheReasonsApart() throws {
        func scores(_ dice: (PromptKind) -> Double, careful: Double) -> [HeldOutScore] {
            (0..<8).flatMap { example in
                HeldOutScorer.kinds.map { kind in
                    HeldOutScore(
                        example: example, prompt: kind, dice: dice(kind), carefulDice: kind == .box ? careful : nil)
                }
            }
        }
        let care = "would lose more than a Dice point where boxes are drawn with care, whatever hasty ones gain"
        func gate(_ dice: (PromptKind) -> Double) -> Gate {
            Gate(
                base: scores({ _ in 0.5 }, careful: 0.9), adapted: scores(dice, careful: 0.8), patients: Array(0..<8),
                margin: 0)
        }
        #expect(
            HeldOutAnswer.reason(gate { _ in 0.9 }, labels: TaskLabels([]))
                == "on held-out images the adapter beats the base model with points and without a prompt, "
                + "but with a box it \(care); there the base goes on answering")
        #expect(
            HeldOutAnswer.reason(gate { $0 == .box ? 0.9 : 0.4 }, labels: TaskLabels([]), previous: 2)
                == "on held-out images the adapter is not good enough: with a box it \(care); "
                + "with points and without a prompt it does not reliably beat the base model; so version 2 goes on answering"
        )
    }

    @Test func saysThatTheModelsOwnAnswerIsNoWorse() throws {
        func scores(_ dice: Double, own: Double?) -> [HeldOutScore] {
            (0..<8).flatMap { example in
                HeldOutScorer.kinds.map { kind in
                    HeldOutScore(example: example, prompt: kind, dice: dice, ownDice: kind == .none ? own : nil)
                }
            }
        }
        let gate = Gate(
            base: scores(0.5, own: 0.9), adapted: scores(0.9, own: nil), patients: Array(0..<8), margin: 0)
        #expect(
            HeldOutAnswer.reason(gate, labels: TaskLabels([]))
                == "on held-out images the adapter beats the base model with a box and with points, "
                + "but without a prompt it is no better than the base model's own answer, whatever the support set makes of that; "
                + "there the base goes on answering")
    }

    /// Masks of a line, of which the prediction covers so much that their Dice is the one wanted.
    private static func scores(_ dice: (PromptKind) -> Double) throws -> [HeldOutScore] {
        try (0..<8).flatMap { example in
            try HeldOutScorer.kinds.map { kind in
                // 2·both / (both + 100) = Dice, when all of the prediction lies within the truth.
                let both = Int((100 * dice(kind) / (2 - dice(kind))).rounded())
                let metrics = try SegmentationMetrics(prediction: line(both), groundTruth: line(100), spacing: nil)
                return HeldOutScore(example: example, prompt: kind, metrics)
            }
        }
    }

    private static func line(_ count: Int) -> Mask {
        Mask(width: 200, height: 1, pixels: (0..<200).map { $0 < count ? 1 : 0 })
    }
}
