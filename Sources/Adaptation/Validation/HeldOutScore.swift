package import Metrics

/// How one prompt on one image that a model was not trained on came out.
package struct HeldOutScore: Codable, Sendable, Equatable {
    /// Index in the support set.
    package let example: Int
    /// Index among the task's labels; 0 in a task of one.
    package let label: Int
    package let prompt: PromptKind
    /// False: the image does not show the label, of which there are several, and nobody asked for it. Its Dice is then 1 where nothing was
    /// found, and 0 where something was.
    package let isShown: Bool
    package let dice: Double
    package let jaccard: Double
    /// Pixels; nil where one of the two masks is empty.
    package let asd: Double?
    package let hd95: Double?
    /// Millimetres; nil also where the spacing is not known.
    package let asdMillimetres: Double?
    package let hd95Millimetres: Double?
    /// By which way the answer without a prompt was come by; nil with a prompt.
    package let route: PromptlessRoute?
    /// Without a prompt: whether the answer shows the object at all; nil with one.
    package let isFound: Bool?
    /// Mean Dice of the answers to prompts nearby with this one; nil where it was not asked for.
    package let agreement: Double?
    /// With a box: the Dice by a box drawn with care (`PromptSimulator.carefulBox`); nil with other prompts.
    package let carefulDice: Double?
    /// Of the base model without a prompt, where the support set answered in its place or said "not there": the Dice of the decoder's own
    /// answer, which it gives to anybody who brings no support set. Nil else.
    package let ownDice: Double?

    package init(
        example: Int, label: Int = 0, prompt: PromptKind, isShown: Bool = true, _ metrics: SegmentationMetrics,
        route: PromptlessRoute? = nil, isFound: Bool? = nil, agreement: Double? = nil, carefulDice: Double? = nil,
        ownDice: Double? = nil
    ) {
        self.example = example
        self.label = label
        self.prompt = prompt
        self.isShown = isShown
        dice = metrics.dice
        jaccard = metrics.jaccard
        asd = metrics.pixels?.asd
        hd95 = metrics.pixels?.hd95
        asdMillimetres = metrics.millimetres?.asd
        hd95Millimetres = metrics.millimetres?.hd95
        self.route = route
        self.isFound = isFound
        self.agreement = agreement
        self.carefulDice = carefulDice
        self.ownDice = ownDice
    }

    /// Of areas alone.
    package init(
        example: Int, label: Int = 0, prompt: PromptKind, isShown: Bool = true, dice: Double,
        carefulDice: Double? = nil,
        ownDice: Double? = nil
    ) {
        self.example = example
        self.label = label
        self.prompt = prompt
        self.isShown = isShown
        self.dice = dice
        jaccard = dice / (2 - dice)
        (asd, hd95, asdMillimetres, hd95Millimetres) = (nil, nil, nil, nil)
        (route, isFound, agreement) = (nil, nil, nil)
        self.carefulDice = carefulDice
        self.ownDice = ownDice
    }
}

/// A measure of a score; the raw value is its name on the wire.
package enum Measure: String, Sendable, CaseIterable {
    case dice
    case jaccard
    case asd = "asd_px"
    case asdMillimetres = "asd_mm"
    case hd95 = "hd95_px"
    case hd95Millimetres = "hd95_mm"

    package var isMillimetres: Bool { self == .asdMillimetres || self == .hd95Millimetres }

    /// What it can be.
    package var range: ClosedRange<Double> { self == .dice || self == .jaccard ? 0...1 : 0...Double.infinity }
    /// What a difference of two shares can be.
    package static let gains = -1.0...1.0

    func value(of score: HeldOutScore) -> Double? {
        switch self {
        case .dice: score.dice
        case .jaccard: score.jaccard
        case .asd: score.asd
        case .asdMillimetres: score.asdMillimetres
        case .hd95: score.hd95
        case .hd95Millimetres: score.hd95Millimetres
        }
    }
}
