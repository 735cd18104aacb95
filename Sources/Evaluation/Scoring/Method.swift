/// What made a mask; the raw value is its name in the files.
package enum Method: String, Codable, Sendable, CaseIterable {
    case model
    case ellipse
    case filledBox = "filled-box"
    case disc
    case wholeImage = "whole-image"
    case gridLimit = "grid-limit"

    var title: String {
        switch self {
        case .model: "model"
        case .ellipse: "ellipse in the box"
        case .filledBox: "filled box"
        case .disc: "disc at the point"
        case .wholeImage: "whole image"
        case .gridLimit: "mask grid at best"
        }
    }

    /// The masks that need no model, beside the answers to `prompt`.
    static func baselines(of prompt: PromptStyle) -> [Method] {
        switch prompt {
        case .box, .exactBox: [.ellipse, .filledBox, .gridLimit]
        case .onePoint, .centrePoint: [.disc, .gridLimit]
        case .threePoints, .corrected: [.gridLimit]
        case .none: [.wholeImage, .gridLimit]
        }
    }
}
