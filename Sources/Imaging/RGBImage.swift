/// An 8-bit RGB image: what the model sees.
///
/// Alpha is dropped, not composited: the reference preprocessing converts to RGB in the same way, and the colours under
/// a transparent region are the data that was measured. Grey is copied to the three channels.
package struct RGBImage: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// `[height, width, 3]`, row-major.
    package let pixels: [UInt8]

    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "an image has pixels")
        precondition(pixels.count == width * height * 3, "pixels is not [height, width, 3]")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// `grey` is `[height, width]`.
    package init(width: Int, height: Int, grey: [UInt8]) {
        precondition(grey.count == width * height, "grey is not [height, width]")
        let pixels = [UInt8](unsafeUninitializedCapacity: grey.count * 3) { buffer, count in
            for value in grey {
                buffer.initializeElement(at: count, to: value)
                buffer.initializeElement(at: count + 1, to: value)
                buffer.initializeElement(at: count + 2, to: value)
                count += 3
            }
        }
        self.init(width: width, height: height, pixels: pixels)
    }

    package init(width: Int, height: Int, filledWith colour: Colour) {
        precondition(width > 0 && height > 0, "an image has pixels")
        let pixel = [colour.red, colour.green, colour.blue]
        let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
            count = width * height * 3
            for index in 0..<count { buffer.initializeElement(at: index, to: pixel[index % 3]) }
        }
        self.init(width: width, height: height, pixels: pixels)
    }

    /// The samples of `raw` seen through `window`.
    package init(_ raw: RawImage, window: Window = .automatic) {
        let table = window.table(for: raw)
        let (stride, colours) = (raw.channels, raw.colourChannels)
        let count = raw.width * raw.height
        let pixels = [UInt8](unsafeUninitializedCapacity: count * 3) { buffer, initialised in
            for pixel in 0..<count {
                let start = pixel * stride
                for channel in 0..<3 {
                    let sample = raw.samples[start + (colours == 3 ? channel : 0)]
                    buffer.initializeElement(at: pixel * 3 + channel, to: table[Int(sample)])
                }
            }
            initialised = count * 3
        }
        self.init(width: raw.width, height: raw.height, pixels: pixels)
    }

    /// Width and height as little-endian 32-bit numbers. Hashed before `pixels`, they tell a 2 x 3 image from a 3 x 2
    /// one of the same bytes.
    package var sizePrefix: [UInt8] {
        [width, height].flatMap { side in (0..<4).map { UInt8(truncatingIfNeeded: side >> (8 * $0)) } }
    }

    /// The pixels inside `box`, which lies in the image.
    package func cropped(to box: PixelBox) -> RGBImage {
        precondition(
            0 <= box.x0 && box.x0 <= box.x1 && box.x1 < width && 0 <= box.y0 && box.y0 <= box.y1 && box.y1 < height,
            "\(box) is not inside the image")
        return RGBImage(
            width: box.width, height: box.height, pixels: croppedRows(pixels, of: width, to: box, channels: 3))
    }

    package func flippedHorizontally() -> RGBImage {
        RGBImage(
            width: width, height: height, pixels: mirroredRows(pixels, width: width, height: height, channels: 3))
    }

    package func flippedVertically() -> RGBImage {
        RGBImage(width: width, height: height, pixels: reversedRows(pixels, rowCount: width * 3, height: height))
    }
}

/// The part inside `box` of `[height, width, channels]`.
func croppedRows<Element>(_ elements: [Element], of width: Int, to box: PixelBox, channels: Int) -> [Element] {
    var kept: [Element] = []
    kept.reserveCapacity(box.width * box.height * channels)
    for y in box.y0...box.y1 {
        kept += elements[(y * width + box.x0) * channels..<(y * width + box.x1 + 1) * channels]
    }
    return kept
}

/// `[height, width, channels]` with each row's pixels in reverse order.
func mirroredRows<Element>(_ elements: [Element], width: Int, height: Int, channels: Int) -> [Element] {
    [Element](unsafeUninitializedCapacity: elements.count) { buffer, count in
        for y in 0..<height {
            for x in (0..<width).reversed() {
                for channel in 0..<channels {
                    buffer.initializeElement(at: count, to: elements[(y * width + x) * channels + channel])
                    count += 1
                }
            }
        }
    }
}

/// `[height, rowCount]` with the rows in reverse order.
func reversedRows<Element>(_ elements: [Element], rowCount: Int, height: Int) -> [Element] {
    var reversed: [Element] = []
    reversed.reserveCapacity(elements.count)
    for y in (0..<height).reversed() { reversed += elements[y * rowCount..<(y + 1) * rowCount] }
    return reversed
}
