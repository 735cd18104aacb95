import Adaptation

/// Who answers a task's requests without a prompt, the adapter or what its support set taught the base model, and why: both
/// were asked for the same held-out images, each with nothing but what the other images taught.
struct PromptlessChoice {
    private let heldOut: HeldOut

    init(_ heldOut: HeldOut) { self.heldOut = heldOut }

    private var isAdapted: Bool { heldOut.gate.verdicts.contains { $0.prompt == .none && $0.isServed } }

    var json: JSON {
        [
            "served": isAdapted ? "adapter" : "support-set",
            "reason": .string(reason),
            "ways": .object(heldOut.ways.map { .init($0.route.rawValue, .integer($0.count)) }),
            "missed": [
                "base": .integer(heldOut.missed(adapted: false)), "adapted": .integer(heldOut.missed(adapted: true)),
            ],
        ]
    }

    /// Both ways with their scores.
    var reason: String {
        let (base, adapted) = (dice(adapted: false), dice(adapted: true))
        let way =
            heldOut.ways.contains { $0.route != .model }
            ? "what the support set taught the base model" : "the base model"
        return isAdapted
            ? "without a prompt the adapter answers, with a held-out Dice of \(adapted) beside \(base) by \(way)"
                + counting(1)
            : "without a prompt \(way) answers, with a held-out Dice of \(base) beside the adapter's \(adapted)"
                + counting(-1)
    }

    /// The gate counts each patient once and the means each image that shows the label, which seldom makes a difference.
    ///
    /// - Parameter sign: Of the gain, adapter less base, that would explain the choice.
    private func counting(_ sign: Double) -> String {
        guard
            let gain = heldOut.gate.verdicts.first(where: { $0.prompt == .none })?.test.mean, gain * sign > 0,
            let base = mean(adapted: false), let adapted = mean(adapted: true), (adapted - base) * sign < 0
        else { return "" }
        return heldOut.base.allSatisfy(\.isShown)
            ? " (which is the other way round where each patient counts once)"
            : " (which is the other way round where images without a label count as well, and each patient once)"
    }

    private func mean(adapted: Bool) -> Double? { heldOut.interval(.dice, .none, adapted: adapted)?.mean }

    private func dice(adapted: Bool) -> String {
        mean(adapted: adapted).map { JSON.rounded($0, places: 2).text() } ?? "none"
    }
}
