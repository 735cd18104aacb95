/// A binary mask, one byte a pixel.
package struct Mask: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// `[height, width]`, 0 or 1.
    package let pixels: [UInt8]

    /// Every byte that is not 0 counts as 1.
    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "a mask has pixels")
        precondition(pixels.count == width * height, "pixels is not [height, width]")
        self.width = width
        self.height = height
        self.pixels = pixels.allSatisfy { $0 < 2 } ? pixels : pixels.map { $0 == 0 ? 0 : 1 }
    }

    package init(empty width: Int, height: Int) {
        precondition(width > 0 && height > 0, "a mask has pixels")
        self.init(width: width, height: height, pixels: [UInt8](repeating: 0, count: width * height))
    }

    /// 1 where any colour sample of `raw` is not 0. Alpha says nothing; of palette images the colour counts, since
    /// optimising tools turn a black and white mask into a palette in any order.
    package init(_ raw: RawImage) {
        let (stride, colours) = (raw.channels, raw.colourChannels)
        let count = raw.width * raw.height
        let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
            for pixel in 0..<count {
                var bits: UInt16 = 0
                for channel in 0..<colours { bits |= raw.samples[pixel * stride + channel] }
                buffer.initializeElement(at: pixel, to: bits == 0 ? 0 : 1)
            }
            initialised = count
        }
        self.init(width: raw.width, height: raw.height, pixels: pixels)
    }

    package subscript(x: Int, y: Int) -> Bool {
        precondition((0..<width).contains(x) && (0..<height).contains(y), "(\(x), \(y)) is outside the mask")
        return pixels[y * width + x] != 0
    }

    /// Pixels that are 1.
    package var area: Int { pixels.reduce(0) { $0 + Int($1) } }

    package var isEmpty: Bool { !pixels.contains(1) }

    /// nil when the mask is empty.
    package var boundingBox: PixelBox? {
        var box: PixelBox?
        for y in 0..<height {
            let row = pixels[y * width..<(y + 1) * width]
            guard let first = row.firstIndex(of: 1), let last = row.lastIndex(of: 1) else { continue }
            let line = PixelBox(x0: first - y * width, y0: y, x1: last - y * width, y1: y)
            box = box?.union(line) ?? line
        }
        return box
    }

    package func flippedHorizontally() -> Mask {
        Mask(width: width, height: height, pixels: mirroredRows(pixels, width: width, height: height, channels: 1))
    }

    package func flippedVertically() -> Mask {
        Mask(width: width, height: height, pixels: reversedRows(pixels, rowCount: width, height: height))
    }

    /// The pixels that have a neighbour to the left, right, above or below that is 0 or outside the image: what an
    /// erosion by a cross takes away. The image border counts as outside.
    package func surface() -> Mask {
        let surface = [UInt8](unsafeUninitializedCapacity: pixels.count) { buffer, count in
            count = pixels.count
            for y in 0..<height {
                for x in 0..<width {
                    let index = y * width + x
                    let isInner =
                        x > 0 && x < width - 1 && y > 0 && y < height - 1 && pixels[index - 1] != 0
                        && pixels[index + 1] != 0 && pixels[index - width] != 0 && pixels[index + width] != 0
                    buffer.initializeElement(at: index, to: isInner ? 0 : pixels[index])
                }
            }
        }
        return Mask(width: width, height: height, pixels: surface)
    }

    /// Pixels that are 1 in both; `other` has the same size.
    package func intersectionCount(_ other: Mask) -> Int {
        requireSameSize(other)
        return zip(pixels, other.pixels).reduce(0) { $0 + Int($1.0 & $1.1) }
    }

    /// 1 where this mask is 1 and `other`, of the same size, is 0.
    package func difference(_ other: Mask) -> Mask {
        requireSameSize(other)
        return Mask(width: width, height: height, pixels: zip(pixels, other.pixels).map { $0 & (1 - $1) })
    }

    /// The part inside `box`, which lies inside the mask.
    package func cropped(to box: PixelBox) -> Mask {
        precondition(
            0 <= box.x0 && box.x0 <= box.x1 && box.x1 < width && 0 <= box.y0 && box.y0 <= box.y1 && box.y1 < height,
            "\(box) is not inside the mask")
        return Mask(
            width: box.width, height: box.height, pixels: croppedRows(pixels, of: width, to: box, channels: 1))
    }

    private func requireSameSize(_ other: Mask) {
        precondition(width == other.width && height == other.height, "the masks differ in size")
    }
}
