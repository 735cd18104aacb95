/// A way in which a user points at an object; the raw value is its name on the command line and in the files.
package enum PromptStyle: String, Codable, Sendable, CaseIterable {
    /// The box of the extent, each edge moved by up to 10 % of the side that it bounds.
    case box
    case exactBox = "exact-box"
    /// One pixel of the object, all equally likely.
    case onePoint = "1-point"
    /// The object's deepest pixel.
    case centrePoint = "centre-point"
    case threePoints = "3-points"
    /// One point, then four corrections, each on the error of the mask before.
    case corrected = "1+4"
    case none

    /// What is shown first, and in a short run.
    package static let standard: [PromptStyle] = [.box, .onePoint, .threePoints, .corrected, .none]
}
