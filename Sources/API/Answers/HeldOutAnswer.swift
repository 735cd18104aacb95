import Adaptation
import Storage

/// What the folds say, as its reader sees it; the same JSON stands in the job's result and with the adapter's version.
enum HeldOutAnswer {
    /// - Parameters:
    ///   - stems: Of the support examples.
    ///   - previous: The version before, where there was one.
    static func json(_ heldOut: HeldOut, stems: [String], previous: Int?) -> JSON {
        let isKept = heldOut.previous?.isWorse == true
        return [
            "method": .string(heldOut.method.rawValue),
            "folds": .integer(heldOut.foldCount),
            "grouped_by": heldOut.groupedBy == nil ? .null : "patient",
            "prompts": .object(
                HeldOutScorer.kinds.map { kind in
                    .init(
                        kind.rawValue,
                        [
                            "base": scores(heldOut, kind, adapted: false),
                            "adapted": scores(heldOut, kind, adapted: true),
                            "gain": heldOut.gain(kind).map(interval) ?? .null,
                        ])
                }),
            "gate": [
                "served": .bool(isServed(heldOut)),
                "reason": .string(reason(heldOut, previous: previous)),
                "margin": .number(heldOut.gate.margin),
                "level": .number(Gate.level),
                "p_value": .rounded(heldOut.gate.overall.pValue, places: 4),
                "prompts": .object(
                    heldOut.gate.verdicts.map { verdict in
                        .init(
                            verdict.prompt.rawValue,
                            [
                                "served": .bool(verdict.isServed && !isKept),
                                "p_value": .rounded(verdict.test.pValue, places: 4),
                            ])
                    }),
            ],
            "influence": .array(
                zip(stems, heldOut.influence).map { stem, change in
                    [
                        "stem": .string(stem),
                        "dice_change": change.map { .rounded(min(max($0, -1), 1), places: 4) } ?? .null,
                    ]
                }),
            "more_examples": heldOut.moreExamples.map {
                [
                    "examples": .integer($0.count), "gain": .rounded($0.gain, places: 4),
                    "plus_minus": .rounded($0.plusMinus, places: 4),
                ]
            } ?? .null,
            "compared_with": heldOut.previous.map {
                [
                    "version": .optional(previous), "examples": .integer($0.examples), "gain": interval($0.gain),
                    "p_value": .rounded($0.pValue, places: 4),
                ]
            } ?? .null,
        ]
    }

    /// Whether the task answers with the adapter for any kind of prompt.
    static func isServed(_ heldOut: HeldOut) -> Bool { heldOut.gate.isServed && heldOut.previous?.isWorse != true }

    /// Why there are no held-out scores.
    static let unvalidated =
        "unvalidated: with the images of one patient alone nothing can be held out, so nobody knows how the adapter will do on the next image"

    /// The same of a stored version.
    static func unvalidated(_ version: AdapterVersion) -> String? {
        guard version.heldOutJSON == nil else { return nil }
        return AdapterCard.isImported(version.cardJSON)
            ? "unvalidated: the adapter was imported; what its maker measured stands on its card" : unvalidated
    }

    static func reason(_ heldOut: HeldOut, previous: Int?) -> String {
        if heldOut.previous?.isWorse == true {
            return
                "version \(previous.map(String.init) ?? "before") does better on the new examples, so it goes on answering"
        }
        let (served, kept) = (
            heldOut.gate.verdicts.filter(\.isServed).map(\.prompt),
            heldOut.gate.verdicts.filter { !$0.isServed }.map(\.prompt)
        )
        if kept.isEmpty { return "on held-out images the adapter beats the base model with every kind of prompt" }
        if served.isEmpty {
            return "on held-out images the adapter does not reliably beat the base model, so the base goes on answering"
        }
        return "on held-out images the adapter beats the base model \(words(served)), "
            + "but not reliably \(words(kept)), where the base goes on answering"
    }

    private static func words(_ kinds: [PromptKind]) -> String {
        kinds.map(\.words).joined(separator: " and ")
    }

    private static func scores(_ heldOut: HeldOut, _ kind: PromptKind, adapted: Bool) -> JSON {
        .object(
            Measure.allCases.map { measure in
                .init(
                    measure.rawValue, heldOut.interval(measure, kind, adapted: adapted).map(interval) ?? .null)
            })
    }

    private static func interval(_ interval: Interval) -> JSON {
        [
            "mean": .rounded(interval.mean, places: 4), "low": .rounded(interval.low, places: 4),
            "high": .rounded(interval.high, places: 4),
        ]
    }
}

extension PromptKind {
    /// In a sentence.
    var words: String {
        switch self {
        case .none: "without a prompt"
        case .box: "with a box"
        case .point, .points: "with points"
        }
    }
}

/// What is kept of a version's scores, read again.
struct StoredHeldOut {
    private let json: JSON

    /// Nil: the version has none.
    init?(_ text: String?) {
        guard let text, case let json = JSON.stored(text), json.members != nil else { return nil }
        self.json = json
    }

    var answer: JSON { json }
    var reason: String? { json["gate"]?["reason"]?.stringValue }

    /// Whether the folds let the version answer prompts of a kind; true where they say nothing.
    func serves(_ prompt: PromptKind) -> Bool {
        json["gate"]?["prompts"]?[prompt.rawValue]?["served"] != .bool(false)
    }
}
