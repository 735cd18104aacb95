package import Imaging

/// What the linter remembers of one support example: a few hundred numbers, so that a set of any size can be checked file by
/// file.
package struct ExampleTraits: Sendable, Equatable {
    /// Tells equal images by their decoded pixels.
    package let imageHash: String
    /// Tells masks that teach the same.
    package let maskHash: String
    package let image: Extent
    package let mask: Extent
    /// Different samples of the file, counted up to `valueLimit`.
    let imageValues: Int
    let maskValues: Int
    /// Pixels by mask value, where there are no more than `MaskSamples.labelLimit` values; else nil. 0 is left out.
    let labelAreas: [UInt16: Int]?
    /// Labels that the mask shows, where it is a label map; else nil.
    let shownLabels: [Int]?
    /// Marked pixels, and how many of these are neither the mask's brightest value nor near it.
    let markedArea: Int
    let greyArea: Int
    let isMaskLossy: Bool
    /// Whether every pixel of the mask's border is marked; false where it is a label map.
    let surrounds: Bool
    /// How large each label is that the mask shows; of a mask that is no label map, the one object.
    let sizes: [Size]
    /// `[16, 16]` mean grey of the image, less their mean and over their deviation.
    let thumbnail: [Float]
    /// Mean grey inside the mask less that around it, over the deviation of the image; nil where one of them has no pixel.
    let contrast: Double?

    /// The size of what a mask marks.
    package struct Size: Sendable, Equatable {
        /// Nil: the mask is no label map.
        let label: Int?
        /// Pixels.
        let area: Int
        /// Pixels per surface pixel: half the width of a thin structure, a quarter of a disc's diameter.
        let thickness: Double

        init(_ mask: Mask, label: Int?) {
            self.label = label
            area = mask.area
            let rim = mask.surface().area
            thickness = rim == 0 ? 0 : Double(area) / Double(rim)
        }
    }

    static let valueLimit = 65
    static let thumbnailSide = 16

    /// - Parameter labels: What the mask says, where it is a label map; nil: any pixel but 0 marks the one object.
    package init(
        image raw: RawImage, mask rawMask: RawImage, labels: LabelImage? = nil, imageHash: String, maskHash: String,
        isMaskLossy: Bool
    ) {
        self.imageHash = imageHash
        self.maskHash = maskHash
        self.isMaskLossy = isMaskLossy
        image = Extent(width: raw.width, height: raw.height)
        mask = Extent(width: rawMask.width, height: rawMask.height)
        // Of one colour alone the other samples are all the same.
        let channels = raw.paletteIndices == nil ? raw.colourChannels : 1
        imageValues = (0..<channels).map { Self.histogram(raw, channel: $0).count }.max() ?? 0
        let histogram = Self.histogram(rawMask)
        maskValues = histogram.count
        labelAreas = histogram.count <= MaskSamples.labelLimit ? histogram.filter { $0.key != 0 } : nil
        let decoded = labels?.foreground ?? Mask(rawMask)
        shownLabels = labels?.present
        markedArea = decoded.area
        surrounds = labels == nil && decoded.marksItsBorder
        greyArea = MaskSamples.greys(rawMask).grey
        sizes =
            labels.map { labels in labels.present.map { Size(labels.mask($0), label: $0) } }
            ?? [Size(decoded, label: nil)]

        let shown = RGBImage(raw)
        let small = Resize.bilinear(shown, width: Self.thumbnailSide, height: Self.thumbnailSide)
        thumbnail = Self.standardised(Self.grey(small))
        contrast = image == mask ? Self.contrast(Self.grey(shown), decoded) : nil
    }

    /// Pixels by the value of a colour sample, or of their index where a palette is of colours; stops once there are more than `valueLimit` values.
    private static func histogram(_ raw: RawImage, channel: Int = 0) -> [UInt16: Int] {
        var counts = [Int](repeating: 0, count: 1 << 16)
        var distinct = 0
        for pixel in 0..<raw.width * raw.height {
            let value = raw.paletteIndices.map { Int($0[pixel]) } ?? Int(raw.samples[pixel * raw.channels + channel])
            if counts[value] == 0 {
                distinct += 1
                if distinct > valueLimit { break }
            }
            counts[value] += 1
        }
        return Dictionary(
            uniqueKeysWithValues: counts.enumerated().filter { $0.element > 0 }.map { (UInt16($0.offset), $0.element) })
    }

    private static func grey(_ image: RGBImage) -> [Float] {
        (0..<image.width * image.height).map { pixel -> Float in
            let sum = Int(image.pixels[pixel * 3]) + Int(image.pixels[pixel * 3 + 1]) + Int(image.pixels[pixel * 3 + 2])
            return Float(sum)
        }
    }

    /// Zeros where all values are equal.
    private static func standardised(_ values: [Float]) -> [Float] {
        let mean = values.reduce(0, +) / Float(values.count)
        let norm = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }.squareRoot()
        return values.map { norm > 1e-3 ? ($0 - mean) / norm : 0 }
    }

    private static func contrast(_ grey: [Float], _ mask: Mask) -> Double? {
        guard let extent = mask.boundingBox else { return nil }
        // Around: within the extent grown by half on every side, outside the mask.
        let (growX, growY) = (extent.width / 2 + 2, extent.height / 2 + 2)
        let (x0, x1) = (max(extent.x0 - growX, 0), min(extent.x1 + growX, mask.width - 1))
        let (y0, y1) = (max(extent.y0 - growY, 0), min(extent.y1 + growY, mask.height - 1))
        var (inside, outside, squares) = (0.0, 0.0, 0.0)
        var (insideCount, outsideCount) = (0.0, 0.0)
        for y in y0...y1 {
            for x in x0...x1 {
                let value = Double(grey[y * mask.width + x])
                squares += value * value
                if mask.pixels[y * mask.width + x] != 0 {
                    inside += value
                    insideCount += 1
                } else {
                    outside += value
                    outsideCount += 1
                }
            }
        }
        guard insideCount > 0, outsideCount > 0 else { return nil }
        let count = insideCount + outsideCount
        let mean = (inside + outside) / count
        let deviation = max(squares / count - mean * mean, 0).squareRoot()
        return deviation < 1e-6 ? nil : (inside / insideCount - outside / outsideCount) / deviation
    }
}

extension Mask {
    fileprivate var marksItsBorder: Bool {
        let columns = (0..<width).allSatisfy { pixels[$0] != 0 && pixels[(height - 1) * width + $0] != 0 }
        return columns && (0..<height).allSatisfy { pixels[$0 * width] != 0 && pixels[$0 * width + width - 1] != 0 }
    }
}

extension ExampleTraits {
    /// Whether what was sent as the image has few values, as a mask has, and what was sent as the mask has many.
    var isSwapped: Bool { imageValues <= 4 && maskValues > MaskSamples.labelLimit }

    /// From -1 to 1; with one of them flat, 0.
    func correlation(_ other: ExampleTraits, _ turn: Turn = .none) -> Double {
        let side = Self.thumbnailSide
        var sum = 0.0
        for y in 0..<side {
            for x in 0..<side {
                let (u, v) = turn.source(x, y, side)
                sum += Double(thumbnail[v * side + u]) * Double(other.thumbnail[y * side + x])
            }
        }
        return sum
    }

    /// A way in which a picture may have been turned.
    enum Turn: CaseIterable {
        case none, mirrored, upsideDown, half

        func source(_ x: Int, _ y: Int, _ side: Int) -> (Int, Int) {
            switch self {
            case .none: (x, y)
            case .mirrored: (side - 1 - x, y)
            case .upsideDown: (x, side - 1 - y)
            case .half: (side - 1 - x, side - 1 - y)
            }
        }
    }
}
