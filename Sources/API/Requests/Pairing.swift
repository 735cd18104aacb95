/// Which mask belongs to which image of an upload.
///
/// By file stem when the stems of both kinds are the same set, `case01.png` with `case01.png` or `case01_mask.png`; where no stem is
/// shared, by what tells the names from each other (``DistinctiveNames``), `case01-img.png` with `roi-1.png`; and by order when that has
/// nothing in common either, as with nameless parts. Anything between is a mistake that pairing by order would hide.
package struct Pairing: Sendable, Equatable {
    package enum Rule: String, Sendable {
        case stem
        case name
        case order
    }

    package let rule: Rule
    /// For each image, in the order of arrival, the index of its mask.
    package let maskOfImage: [Int]

    /// - Parameters:
    ///   - images: File names of the image parts in order; nil where a part has none.
    ///   - masks: The same of the mask parts.
    package init(images: [String?], masks: [String?]) throws(Problem) {
        guard !images.isEmpty else {
            throw Problem.missing(
                "image", "no image was sent", hint: "add -F image=@case01.png -F mask=@case01_mask.png for each example"
            )
        }
        let imageStems = images.map { $0.flatMap(FileStem.of) }
        let maskStems = masks.map { name in
            // An image may itself be called "x_mask": the stem as it is comes first.
            name.flatMap(FileStem.of).flatMap { imageStems.contains($0) ? $0 : nil } ?? name.flatMap(FileStem.ofMask)
        }
        if Self.isShared(imageStems, maskStems) {
            try Self.refuseRepeats(imageStems, part: "image")
            try Self.refuseRepeats(maskStems, part: "mask")
            rule = .stem
            maskOfImage = try Self.matched(imageStems, maskStems, images, masks)
        } else if let imageKeys = DistinctiveNames.of(images), let maskKeys = DistinctiveNames.of(masks),
            Self.isShared(imageKeys, maskKeys)
        {
            rule = .name
            maskOfImage = try Self.matched(imageKeys, maskKeys, images, masks)
        } else {
            guard images.count == masks.count else { throw Self.unequal(images.count, masks.count) }
            rule = .order
            maskOfImage = Array(images.indices)
        }
    }

    private static func isShared(_ images: [String?], _ masks: [String?]) -> Bool {
        !Set(images.compactMap(\.self)).isDisjoint(with: masks.compactMap(\.self))
    }

    /// The mask of each image, by what each is known by; none may be left over.
    private static func matched(
        _ imageStems: [String?], _ maskStems: [String?], _ images: [String?], _ masks: [String?]
    ) throws(Problem) -> [Int] {
        var indices: [Int] = []
        for (image, stem) in imageStems.enumerated() {
            guard let stem, let mask = maskStems.firstIndex(of: stem) else {
                let stem = images[image].flatMap(FileStem.of)
                throw Problem(
                    .unpairedExample, "the image \(name(images[image], image)) has no mask",
                    field: "image[\(image)]",
                    hint:
                        "send a mask part whose file has the same stem\(stem.map { ", \($0).png or \($0)_mask.png" } ?? "")"
                )
            }
            indices.append(mask)
        }
        if let orphan = masks.indices.first(where: { !indices.contains($0) }) {
            throw Problem(
                .unpairedExample, "the mask \(name(masks[orphan], orphan)) has no image", field: "mask[\(orphan)]",
                hint: "send an image part whose file has the same stem")
        }
        return indices
    }

    private static func unequal(_ images: Int, _ masks: Int) -> Problem {
        let isMaskMissing = masks < images
        return Problem(
            .unpairedExample, "\(images) images came with \(masks) masks",
            field: isMaskMissing ? "mask" : "image",
            hint: "send one mask for each image, in the same order or with the same file stems")
    }

    private static func refuseRepeats(_ stems: [String?], part: String) throws(Problem) {
        var first: [String: Int] = [:]
        for (index, stem) in stems.enumerated() {
            guard let stem else { continue }
            if let earlier = first.updateValue(index, forKey: stem) {
                throw Problem(
                    .unpairedExample, "the \(part)s \(earlier) and \(index) have the same file stem \(Quoted(stem))",
                    field: "\(part)[\(index)]", hint: "rename one: stems say which mask belongs to which image")
            }
        }
    }

    private static func name(_ filename: String?, _ index: Int) -> String {
        filename.map { Quoted($0).description } ?? "number \(index) (without a file name)"
    }
}
