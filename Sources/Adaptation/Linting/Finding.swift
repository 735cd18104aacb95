/// Something about a support set that its owner should know before anything is trained on it.
package struct Finding: Sendable, Equatable {
    package enum Severity: String, Sendable {
        /// The set cannot be used like this.
        case error
        /// It can, and will likely do worse for it.
        case warning
        case info
    }

    /// What is wrong, with what was found. Examples are counted from 0.
    package enum Kind: Sendable, Equatable {
        case sizeMismatch(image: Extent, mask: Extent)
        case emptyMask
        case fullMask(share: Double)
        /// All of the border and most of the image is marked, and something within is not.
        case invertedMask(share: Double)
        /// Grey values where a mask has edges, as lossy compression and smooth scaling leave them.
        case greyMask(isLossy: Bool, greyShare: Double)
        case swapped
        case flatImage
        case duplicate(of: Int, hasSameMask: Bool)
        case nearDuplicate(of: Int, correlation: Double)
        /// Images that seem to show one patient: the example is the first of them.
        case samePatient(examples: [Int])
        /// All names begin alike, as those of one patient's images would: then held-out scores measure nothing.
        case onePatient(name: String)
        case missingSpacing
        /// The object is darker than its surroundings here, and brighter in most others, or the other way round.
        case polarity(isDarker: Bool)
        case orientation
        /// The mask has several values, all of which are one object to the task.
        case severalValues([Int])
        /// A value of the masks that occurs in so few examples that nothing can be learnt or measured.
        case rareValue(Int, count: Int)
        /// A label of the task that no example shows, counted from 0.
        case absentLabel(Int)
        /// One that so few examples show that nothing can be learnt of it and measured.
        case rareLabel(Int, count: Int)
        /// One that some examples do not show: they teach that it may be missing.
        case partialLabel(Int, count: Int, of: Int)
        /// The object, or a label of a label map, is smaller or thinner than the model's mask can show: cells of its grid.
        case tooSmall(areaInCells: Double, widthInCells: Double, label: Int?)
        case fewExamples(count: Int)
    }

    package let severity: Severity
    package let kind: Kind
    /// Nil: it is about the set as a whole.
    package let example: Int?

    init(_ severity: Severity, _ kind: Kind, _ example: Int?) {
        self.severity = severity
        self.kind = kind
        self.example = example
    }
}
