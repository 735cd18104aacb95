import Imaging

/// One thing to segment in one image.
struct Target: Sendable {
    /// The object's number for tasks of objects, else empty.
    let object: String
    /// What prompts point at.
    let truth: Mask
    /// What is right without a prompt.
    let whole: Mask
}

extension LabelTask {
    /// The targets of an image: its label, or at most `most` of its objects, drawn by `key`; none below `pixels`.
    func targets(
        _ labels: LabelMap, areas: [UInt16: Int], atLeast pixels: Int, atMost most: Int, key: DrawKey
    ) -> [Target] {
        let whole = whole(labels)
        guard rule == .objects else {
            return whole.area >= pixels ? [Target(object: "", truth: whole, whole: whole)] : []
        }
        var generator = key.generator("objects")
        let large = areas.filter { $0.value >= pixels }.keys.sorted().shuffled(using: &generator)
        return large.prefix(most).sorted().map { object in
            Target(object: "\(object)", truth: labels.mask(of: object), whole: whole)
        }
    }
}
