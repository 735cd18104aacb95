import CImaging

/// Portable Network Graphics (ISO/IEC 15948), through libpng.
package enum PNG {
    /// Decodes `bytes`, which start with the PNG signature. Bytes after IEND are ignored; so are the colour keys (tRNS)
    /// of grey and RGB images, gamma and colour profiles.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: ImageLimits = .standard
    ) throws(ImageError) -> RawImage {
        let structure = try PNGStructure(bytes, limits: limits)
        let header = structure.header
        let format = cimaging_png_format(
            width: UInt32(header.width), height: UInt32(header.height), bit_depth: Int32(header.bitDepth),
            channels: Int32(header.colour.channels))
        let count = header.width * header.height * header.colour.channels
        var failure: String?
        let samples = [UInt16](unsafeUninitializedCapacity: count) { buffer, initialised in
            failure = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CIMAGING_MESSAGE_LENGTH)) { message in
                let code = cimaging_png_decode(
                    bytes.bindMemory(to: UInt8.self).baseAddress, structure.byteCount, format, buffer.baseAddress,
                    message.baseAddress)
                guard code != 0, let text = message.baseAddress else { return nil }
                return String(cString: text)
            }
            initialised = failure == nil ? count : 0
        }
        if let failure { throw .corrupt(.png, reason: failure) }
        guard header.colour == .palette else {
            return RawImage(
                width: header.width, height: header.height, channels: header.colour.channels,
                bitDepth: header.bitDepth, samples: samples)
        }
        return try expand(samples, structure)
    }

    private static func isGrey(_ palette: [UInt8]) -> Bool {
        for entry in stride(from: 0, to: palette.count, by: 3) {
            guard palette[entry] == palette[entry + 1], palette[entry] == palette[entry + 2] else { return false }
        }
        return true
    }

    /// Palette indices to the colours they stand for.
    private static func expand(_ indices: [UInt16], _ structure: PNGStructure) throws(ImageError) -> RawImage {
        let entries = structure.palette.count / 3
        if let largest = indices.max(), largest >= entries {
            throw .corrupt(.png, reason: "it uses palette entry \(largest) of \(entries)")
        }
        let channels = structure.paletteAlpha.isEmpty ? 3 : 4
        let colours = (0..<entries).flatMap { entry in
            let alpha = entry < structure.paletteAlpha.count ? structure.paletteAlpha[entry] : 255
            return (structure.palette[3 * entry..<3 * entry + 3] + [alpha]).prefix(channels).map(UInt16.init)
        }
        let samples = [UInt16](unsafeUninitializedCapacity: indices.count * channels) { buffer, count in
            for index in indices {
                for channel in 0..<channels {
                    buffer.initializeElement(at: count, to: colours[Int(index) * channels + channel])
                    count += 1
                }
            }
        }
        return RawImage(
            width: structure.header.width, height: structure.header.height, channels: channels, bitDepth: 8,
            samples: samples,
            paletteIndices: isGrey(structure.palette) ? nil : indices.map { UInt8(truncatingIfNeeded: $0) })
    }
}

extension PNG {
    package static func encode(_ image: RGBImage) -> [UInt8] {
        encode(image.pixels, width: image.width, height: image.height, channels: 3, bitDepth: 8, .photograph)
    }

    /// 8-bit grey, 0 and 255: a mask that looks like one in any viewer, and reads back as binary (any non-zero).
    package static func encode(_ mask: Mask) -> [UInt8] {
        let grey = [UInt8](unsafeUninitializedCapacity: mask.pixels.count) { grey, count in
            mask.pixels.withUnsafeBufferPointer { pixels in
                for index in pixels.indices { grey[index] = pixels[index] &* 255 }
            }
            count = mask.pixels.count
        }
        return encode(grey, width: mask.width, height: mask.height, channels: 1, bitDepth: 8, .flat)
    }

    /// The samples unchanged; a palette is not kept. Depths below 8 bits stay for grey only, as the format has it.
    package static func encode(_ image: RawImage) -> [UInt8] {
        precondition(image.channels == 1 || image.bitDepth >= 8, "PNG has \(image.bitDepth) bits only for grey")
        if image.bitDepth == 16 {
            return encode(
                image.samples, width: image.width, height: image.height, channels: image.channels, bitDepth: 16,
                .photograph)
        }
        let bytes = image.samples.map { UInt8(truncatingIfNeeded: $0) }
        return encode(
            bytes, width: image.width, height: image.height, channels: image.channels, bitDepth: image.bitDepth,
            image.bitDepth < 8 ? .flat : .photograph)
    }

    private enum Content {
        case flat
        case photograph
    }

    private static func encode<Sample: FixedWidthInteger>(
        _ samples: [Sample], width: Int, height: Int, channels: Int, bitDepth: Int, _ content: Content
    ) -> [UInt8] {
        precondition(samples.count == width * height * channels, "samples is not [height, width, channels]")
        precondition(MemoryLayout<Sample>.size == (bitDepth > 8 ? 2 : 1), "\(bitDepth) bits need another sample type")
        let format = cimaging_png_format(
            width: UInt32(width), height: UInt32(height), bit_depth: Int32(bitDepth), channels: Int32(channels))
        var encoded = cimaging_buffer()
        let code = samples.withUnsafeBytes {
            cimaging_png_encode(
                $0.baseAddress, format, content == .flat ? CIMAGING_FLAT : CIMAGING_PHOTOGRAPH, &encoded)
        }
        // With the sizes checked above only memory can be missing, and then Swift's own allocations trap as well.
        precondition(code == 0, "libpng could not encode \(width) x \(height) pixels")
        defer { cimaging_free(&encoded) }
        return Array(UnsafeBufferPointer(start: encoded.bytes, count: encoded.length))
    }
}
