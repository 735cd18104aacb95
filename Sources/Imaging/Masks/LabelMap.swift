/// Why an image is not a label map.
package enum LabelMapError: Error, Equatable, Sendable {
    /// The first pixel whose colour is not a grey, so that it names no label.
    case colour(x: Int, y: Int)
}

/// An integer label for each pixel; 0 is background.
package struct LabelMap: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// `[height, width]`.
    package let labels: [UInt16]

    package init(width: Int, height: Int, labels: [UInt16]) {
        precondition(width > 0 && height > 0, "a label map has pixels")
        precondition(labels.count == width * height, "labels is not [height, width]")
        self.width = width
        self.height = height
        self.labels = labels
    }

    /// Reads labels where annotation tools put them:
    ///
    /// - grey images: the sample, unscaled at any depth;
    /// - palette images: the index, colours being for display. If the whole palette is grey, then the grey value;
    /// - RGB images: the common value of the three channels.
    ///
    /// Alpha is ignored.
    package init(_ raw: RawImage) throws(LabelMapError) {
        if let indices = raw.paletteIndices {
            self.init(width: raw.width, height: raw.height, labels: indices.map(UInt16.init))
            return
        }
        if let firstColour = Self.firstColouredPixel(raw) {
            throw .colour(x: firstColour % raw.width, y: firstColour / raw.width)
        }
        let labels = (0..<raw.width * raw.height).map { raw.samples[$0 * raw.channels] }
        self.init(width: raw.width, height: raw.height, labels: labels)
    }

    private static func firstColouredPixel(_ raw: RawImage) -> Int? {
        guard raw.colourChannels == 3 else { return nil }
        return (0..<raw.width * raw.height).first { pixel in
            let start = pixel * raw.channels
            return raw.samples[start] != raw.samples[start + 1] || raw.samples[start] != raw.samples[start + 2]
        }
    }

    /// The labels that occur, ascending, without 0.
    package var values: [UInt16] {
        var occurs = [Bool](repeating: false, count: 1 << 16)
        for label in labels { occurs[Int(label)] = true }
        return (1..<occurs.count).filter { occurs[$0] }.map { UInt16($0) }
    }

    package func mask(of label: UInt16) -> Mask {
        Mask(width: width, height: height, pixels: labels.map { $0 == label ? 1 : 0 })
    }
}
