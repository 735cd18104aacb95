/// A way to segment an image that nobody pointed into.
package enum PromptlessRoute: String, Sendable, CaseIterable, Codable {
    /// The decoder's own answer to no prompt.
    case model = "model"
    /// The similarity to the prototypes, as it is.
    case map = "prototype-map"
    /// The similarity as a mask prompt.
    case mask = "prototype-mask"
    /// The box around where the similarity finds the object.
    case box = "prototype-box"
    /// The most similar place, as a click.
    case point = "prototype-point"
    /// The similarity of each pixel, where the objects are too thin for the model's cells (``PixelPrototypes``).
    case pixels = "pixel-prototypes"
    /// An adapter's own answer, and a share of the similarity added to it (``LikenessShare``).
    case blend = "model+prototype-map"

    /// What a model without an adapter may do with the similarity of tokens, or without it.
    static let ofTokens: [PromptlessRoute] = [.model, .map, .mask, .box, .point]

    /// The way to go by the Dice of each on the same images: the decoder's own, which is what the base model answers anyway, unless
    /// another is reliably better. So a support set does no harm to what was good without it.
    ///
    /// - Parameter isOneOfSeveral: Whether the answer is for one of several labels: the model's own is the same for all of them, so that it
    ///   tells none, and there is nothing to harm.
    /// - Returns: Nil when nothing was measured.
    package static func best(
        _ dice: [PromptlessRoute: [Double]], isOneOfSeveral: Bool = false
    ) -> PromptlessRoute? {
        func sum(_ route: PromptlessRoute) -> Double { dice[route]?.reduce(0, +) ?? -1 }
        if isOneOfSeveral { return allCases.filter { $0 != .model && dice[$0] != nil }.max { sum($0) < sum($1) } }
        guard let own = dice[.model], !own.isEmpty, let best = allCases.max(by: { sum($0) < sum($1) }) else {
            return nil
        }
        guard best != .model, let others = dice[best] else { return .model }
        // The best of several is one that chance was kind to: it has to pass at its share of the level (Bonferroni).
        let level = Gate.level / Double(dice.count - 1)
        let isBetter = PairedTest(zip(others, own).map { $0 - $1 }, above: 0).pValue < level
        return isBetter ? best : .model
    }
}
