package import Adaptation
import Storage

/// What the folds say, as its reader sees it; the same JSON stands in the job's result and with the adapter's version.
package enum HeldOutAnswer {
    /// - Parameters:
    ///   - stems: Of the support examples.
    ///   - labels: Of the task.
    ///   - previous: The version before, where there was one.
    static func json(_ heldOut: HeldOut, stems: [String], labels: TaskLabels, previous: Int?) -> JSON {
        var members: [JSON.Member] = [
            .init("method", .string(heldOut.method.rawValue)),
            .init("folds", .integer(heldOut.foldCount)),
            .init("grouped_by", .optional(heldOut.groupedBy.map { $0 == .pictures ? "picture" : "patient" })),
            .init("prompts", prompts(heldOut, label: nil)),
            .init("promptless", PromptlessChoice(heldOut).json),
            .init("review", review(heldOut, label: nil)),
        ]
        if !labels.isBinary {
            members.append(
                .init(
                    "labels",
                    .array(
                        (0..<labels.count).map { label in
                            [
                                "value": .integer(labels.value(label)), "name": .optional(labels.name(label)),
                                "examples": .integer(
                                    Set(heldOut.base.filter { $0.isShown && $0.label == label }.map(\.example)).count),
                                "prompts": prompts(heldOut, label: label), "review": review(heldOut, label: label),
                                "absent": absent(heldOut, label),
                            ]
                        })))
        }
        members += [
            .init(
                "gate",
                [
                    "served": .bool(isServed(heldOut)),
                    "reason": .string(reason(heldOut, labels: labels, previous: previous)),
                    "margin": .number(heldOut.gate.margin),
                    "level": .number(Gate.level),
                    "p_value": .rounded(heldOut.gate.overall.pValue, places: 4),
                    "prompts": .object(
                        heldOut.gate.verdicts.map { verdict in
                            .init(verdict.prompt.rawValue, json(verdict, heldOut.gate, labels))
                        }),
                ]),
            .init(
                "influence",
                .array(
                    zip(stems, heldOut.influence).map { stem, change in
                        [
                            "stem": .string(stem),
                            "dice_change": change.map { .rounded(min(max($0, -1), 1), places: 4) } ?? .null,
                        ]
                    })),
            .init(
                "more_examples",
                heldOut.moreExamples.map {
                    [
                        "examples": .integer($0.count), "gain": .rounded($0.gain, places: 4),
                        "plus_minus": .rounded($0.plusMinus, places: 4),
                    ]
                } ?? .null),
            .init(
                "compared_with",
                heldOut.previous.map {
                    [
                        "version": .optional(previous), "examples": .integer($0.examples), "gain": interval($0.gain),
                        "p_value": .rounded($0.pValue, places: 4),
                    ]
                } ?? .null),
        ]
        return .object(members)
    }

    /// - Parameter label: Nil: over all labels.
    private static func prompts(_ heldOut: HeldOut, label: Int?) -> JSON {
        .object(
            HeldOutScorer.kinds.map { kind in
                .init(
                    kind.rawValue,
                    [
                        "base": scores(heldOut, kind, label, adapted: false),
                        "adapted": scores(heldOut, kind, label, adapted: true),
                        "gain": heldOut.gain(kind, label: label).map(interval) ?? .null,
                    ])
            })
    }

    /// - Parameter label: Nil: over all labels.
    private static func review(_ heldOut: HeldOut, label: Int?) -> JSON {
        .object(
            HeldOutScorer.kinds.compactMap { kind in
                heldOut.review(kind, label: label).map { threshold in
                    .init(
                        kind.rawValue,
                        [
                            "threshold": .rounded(threshold.value, places: 4),
                            "calibrated_on": .integer(threshold.count),
                        ])
                }
            })
    }

    /// What becomes of a label in images that do not show it.
    private static func absent(_ heldOut: HeldOut, _ label: Int) -> JSON {
        let (base, adapted) = (
            heldOut.invented(label, adapted: false), heldOut.invented(label, adapted: true)
        )
        return [
            "examples": .integer(base.images), "base_found": .integer(base.found),
            "adapted_found": .integer(adapted.found),
        ]
    }

    private static func json(_ verdict: Gate.Verdict, _ gate: Gate, _ labels: TaskLabels) -> JSON {
        var members: [JSON.Member] = [
            .init("served", .bool(verdict.isServed)),
            .init("refusal", verdict.isServed ? .null : .string(refusal(verdict, gate, labels))),
            .init("p_value", .rounded(verdict.test.pValue, places: 4)),
        ]
        if let gain = verdict.carefulGain { members.append(.init("careful_gain", .rounded(gain, places: 4))) }
        if let own = verdict.ownTest { members.append(.init("own_p_value", .rounded(own.pValue, places: 4))) }
        if !labels.isBinary {
            members.append(.init("harmed_labels", .array(verdict.harmedLabels.map { .integer(labels.value($0)) })))
        }
        return .object(members)
    }

    /// Whether the task answers with the adapter for any kind of prompt.
    static func isServed(_ heldOut: HeldOut) -> Bool { heldOut.gate.isServed && heldOut.previous?.isWorse != true }

    /// Why there are no held-out scores.
    static let unvalidated =
        "unvalidated: with the images of one patient alone nothing can be held out, so nobody knows how the adapter will do on the next image"

    /// The same of a stored version.
    static func unvalidated(_ version: AdapterVersion) -> String? {
        guard version.heldOutJSON == nil else { return nil }
        return AdapterCardAnswer.isImported(version.cardJSON)
            ? "unvalidated: the adapter was imported; what its maker measured stands on its card, without a prompt with the help of a support set that is not here"
            : unvalidated
    }

    static func reason(_ heldOut: HeldOut, labels: TaskLabels, previous: Int?) -> String {
        if heldOut.previous?.isWorse == true {
            return
                "version \(previous.map(String.init) ?? "before") does better on the new examples, so it goes on answering"
        }
        // One that is served for no kind of prompt changes nothing: an earlier version answers as before, with or without a prompt.
        guard let previous, !heldOut.gate.isServed else {
            return reason(heldOut.gate, labels: labels) + "; " + PromptlessChoice(heldOut).reason
        }
        return reason(heldOut.gate, labels: labels, previous: previous)
    }

    /// With a margin other than 0 the test asked for another gain than any, and below 0 for no gain at all.
    ///
    /// - Parameter previous: The version that answers if this one does not; nil: the base model does.
    package static func reason(_ gate: Gate, labels: TaskLabels, previous: Int? = nil) -> String {
        let served = gate.verdicts.filter(\.isServed).map(\.prompt)
        let refused = gate.verdicts.filter { !$0.isServed }.map { (prompt: $0.prompt, why: refusal($0, gate, labels)) }
        let claim = claims(margin: gate.margin).claim
        guard let first = refused.first else {
            return "on held-out images the adapter \(claim) with every kind of prompt"
        }
        let stayer = previous.map { "version \($0)" } ?? "the base"
        if served.isEmpty, refused.allSatisfy({ $0.why == first.why }) {
            return "on held-out images the adapter \(first.why), so \(stayer) goes on answering"
        }
        // Kinds of one reason stand together.
        let reasons = refused.enumerated().filter { index, one in !refused[..<index].contains { $0.why == one.why } }
        let denials = reasons.map { _, one in
            "\(words(refused.filter { $0.why == one.why }.map(\.prompt))) it \(one.why)"
        }.joined(separator: "; ")
        if served.isEmpty {
            return "on held-out images the adapter is not good enough: \(denials); so \(stayer) goes on answering"
        }
        return
            "on held-out images the adapter \(claim) \(words(served)), but \(denials); there the base goes on answering"
    }

    /// Why the adapter may not answer a kind of prompt: what it does, as a predicate.
    private static func refusal(_ verdict: Gate.Verdict, _ gate: Gate, _ labels: TaskLabels) -> String {
        var reasons: [String] = []
        if !verdict.isBetter { reasons.append(claims(margin: gate.margin).denial) }
        if !verdict.harmedLabels.isEmpty, labels.count > 1 {
            let losers = verdict.harmedLabels.map(labels.words).joined(separator: ", ")
            reasons.append(
                "would \(gate.margin == 0 ? "lose" : "fall short of that") with \(losers), whatever other labels gain")
        }
        if verdict.isCareHarmed {
            reasons.append(
                "would lose more than a Dice point where boxes are drawn with care, whatever hasty ones gain")
        }
        if verdict.isOwnUnbeaten, verdict.isBetter {
            reasons.append("is no better than the base model's own answer, whatever the support set makes of that")
        }
        return reasons.joined(separator: " and ")
    }

    /// What the test says of an adapter that passes, and of one that does not.
    private static func claims(margin: Double) -> (claim: String, denial: String) {
        let hundredths = Int((abs(margin) * 10_000).rounded())
        let points = hundredths.isMultiple(of: 100) ? "\(hundredths / 100)" : "\(Double(hundredths) / 100)"
        if margin > 0 {
            return (
                "gains more than the \(points) Dice points asked for",
                "does not reliably gain the \(points) Dice points asked for"
            )
        }
        if margin < 0 {
            return (
                "loses less than the \(points) Dice points that gate_margin allows",
                "may lose more than the \(points) Dice points that gate_margin allows"
            )
        }
        return ("beats the base model", "does not reliably beat the base model")
    }

    private static func words(_ kinds: [PromptKind]) -> String {
        kinds.map(\.words).joined(separator: " and ")
    }

    private static func scores(_ heldOut: HeldOut, _ kind: PromptKind, _ label: Int?, adapted: Bool) -> JSON {
        .object(
            Measure.allCases.map { measure in
                .init(
                    measure.rawValue,
                    heldOut.interval(measure, kind, label: label, adapted: adapted).map {
                        interval($0, rounded: measure.isMillimetres ? JSON.millimetres : fourPlaces)
                    } ?? .null)
            })
    }

    private static func interval(_ interval: Interval) -> JSON { Self.interval(interval, rounded: fourPlaces) }

    private static func interval(_ interval: Interval, rounded: (Double) -> JSON) -> JSON {
        [
            "mean": rounded(interval.mean), "low": interval.low.map(rounded) ?? .null,
            "high": interval.high.map(rounded) ?? .null,
        ]
    }

    private static func fourPlaces(_ value: Double) -> JSON { .rounded(value, places: 4) }
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
    /// Whether its job let it answer any kind of prompt.
    var isServed: Bool { json["gate"]?["served"] == .bool(true) }
    /// Who answers without a prompt; nil of a version from before this was compared.
    var promptlessReason: String? { json["promptless"]?["reason"]?.stringValue }

    /// When the folds say to look again at an answer; nil where they were not asked.
    ///
    /// - Parameter label: Its index among the task's labels.
    func review(_ prompt: PromptKind, label: Int) -> ReviewThreshold? {
        let known = (json["labels"]?[label] ?? json)["review"]?[(prompt == .points ? .point : prompt).rawValue]
        guard let value = known?["threshold"]?.doubleValue, let count = known?["calibrated_on"]?.integerValue else {
            return nil
        }
        return ReviewThreshold(value: value, count: count)
    }

    /// Whether the folds have said when to look again at anything.
    var isCalibrated: Bool { json["review"]?.members?.isEmpty == false }

    /// What keeps the version from answering prompts of a kind, as what it does on held-out images; nil where nothing does, or the folds
    /// say nothing.
    func refusal(_ prompt: PromptKind) -> String? {
        let verdict = json["gate"]?["prompts"]?[prompt.rawValue]
        guard verdict?["served"] == .bool(false) else { return nil }
        return verdict?["refusal"]?.stringValue ?? "is not reliably better than the base model"
    }
}
