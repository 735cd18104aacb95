import CImaging

/// The chunks of a PNG stream, checked before libpng sees a byte: complete, undamaged, and not asking for more memory
/// than their size can fill.
struct PNGStructure {
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    let header: Header
    /// Entries of three bytes, red, green, blue; empty without PLTE.
    let palette: [UInt8]
    /// Alpha of the first palette entries; empty without tRNS. Colour keys of other colour types are not kept.
    let paletteAlpha: [UInt8]
    /// Bytes from the signature to the end of IEND; what follows is not part of the image.
    let byteCount: Int

    /// - Throws: `.truncated`, `.corrupt`; sizes are checked against `limits` as soon as the header is read.
    init(_ bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageError) {
        let header = try Header(bytes)
        try limits.check(width: header.width, height: header.height)
        var (palette, paletteAlpha): ([UInt8], [UInt8]) = ([], [])
        var compressedCount = 0
        var offset = Self.signature.count
        while true {
            let chunk = try Chunk(bytes, at: offset)
            offset += 12 + chunk.data.count
            switch chunk.name {
            case "PLTE":
                try chunk.verify()
                palette = Array(chunk.data)
            case "tRNS" where header.colour == .palette:
                try chunk.verify()
                paletteAlpha = Array(chunk.data)
            case "IDAT":
                try chunk.verify()
                compressedCount += chunk.data.count
            default:
                // An upper-case first letter marks a chunk that the image cannot do without (§5.4); a damaged comment
                // is no reason to refuse the pixels.
                if chunk.isCritical { try chunk.verify() }
            }
            if chunk.name == "IEND" { break }
        }
        guard palette.count.isMultiple(of: 3), palette.count <= 768 else {
            throw .corrupt(.png, reason: "its palette has \(palette.count) bytes")
        }
        guard header.colour != .palette || !palette.isEmpty else {
            throw .corrupt(.png, reason: "it needs a palette and has none")
        }
        // Deflate gives at most 258 bytes for two bits.
        guard header.packedByteCount / 1032 <= compressedCount else {
            throw .corrupt(
                .png,
                reason:
                    "\(compressedCount) bytes of compressed data cannot hold \(header.width) x \(header.height) pixels")
        }
        self.header = header
        self.palette = palette
        self.paletteAlpha = paletteAlpha
        byteCount = offset
    }
}

extension PNGStructure {
    /// The colour types of IHDR (PNG, third edition, §11.2.1).
    enum Colour: UInt8 {
        case grey = 0
        case rgb = 2
        case palette = 3
        case greyAlpha = 4
        case rgbAlpha = 6

        var channels: Int {
            switch self {
            case .grey, .palette: 1
            case .greyAlpha: 2
            case .rgb: 3
            case .rgbAlpha: 4
            }
        }

        var bitDepths: [Int] {
            switch self {
            case .grey: [1, 2, 4, 8, 16]
            case .palette: [1, 2, 4, 8]
            case .rgb, .greyAlpha, .rgbAlpha: [8, 16]
            }
        }
    }

    /// The IHDR chunk.
    struct Header {
        let width: Int
        let height: Int
        let bitDepth: Int
        let colour: Colour

        /// Reads the chunk that follows the signature, whose presence the caller has checked.
        init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
            let chunk = try Chunk(bytes, at: PNGStructure.signature.count)
            guard chunk.name == "IHDR", chunk.data.count == 13 else {
                throw .corrupt(.png, reason: "it does not start with an IHDR chunk of 13 bytes")
            }
            try chunk.verify()
            let fields = chunk.data
            width = PNGStructure.bigEndian(fields, at: 0)
            height = PNGStructure.bigEndian(fields, at: 4)
            guard (1...Int(Int32.max)).contains(width), (1...Int(Int32.max)).contains(height) else {
                throw .corrupt(.png, reason: "its header says \(width) x \(height) pixels")
            }
            bitDepth = Int(fields[8])
            guard let colour = Colour(rawValue: fields[9]), colour.bitDepths.contains(bitDepth) else {
                throw .corrupt(.png, reason: "its header says colour type \(fields[9]) with \(bitDepth) bits")
            }
            guard fields[10] == 0, fields[11] == 0, fields[12] < 2 else {
                throw .corrupt(.png, reason: "its header names an unknown compression, filter or interlace method")
            }
            self.colour = colour
        }

        /// Bytes of all pixels before compression; no less than what the compressed data must hold.
        var packedByteCount: Int { (width * colour.channels * bitDepth + 7) / 8 * height }
    }

    /// Length, name, data and checksum, all inside the bytes.
    struct Chunk {
        let name: String
        /// Rebased: index 0 is its first byte.
        let data: UnsafeRawBufferPointer
        private let typeAndData: UnsafeRawBufferPointer
        private let checksum: Int

        init(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ImageError) {
            guard bytes.count - offset >= 12 else {
                throw .truncated(.png, detail: "it ends after \(bytes.count) bytes, without an IEND chunk")
            }
            let length = PNGStructure.bigEndian(bytes, at: offset)
            let type = bytes[offset + 4..<offset + 8]
            guard type.allSatisfy(Self.isLetter), length <= Int32.max else {
                throw .corrupt(.png, reason: "there is no chunk at byte \(offset)")
            }
            name = String(decoding: type, as: UTF8.self)
            guard bytes.count - offset >= 12 + length else {
                let missing = 12 + length - (bytes.count - offset)
                throw .truncated(
                    .png, detail: "it ends after \(bytes.count) bytes, \(missing) too early for its \(name) chunk")
            }
            data = UnsafeRawBufferPointer(rebasing: bytes[offset + 8..<offset + 8 + length])
            typeAndData = UnsafeRawBufferPointer(rebasing: bytes[offset + 4..<offset + 8 + length])
            checksum = PNGStructure.bigEndian(bytes, at: offset + 8 + length)
        }

        var isCritical: Bool { name.utf8.first.map { $0 & 0x20 == 0 } ?? false }

        func verify() throws(ImageError) {
            let bytes = typeAndData.bindMemory(to: UInt8.self)
            guard cimaging_crc32(bytes.baseAddress, bytes.count) == UInt32(checksum) else {
                throw .corrupt(.png, reason: "the checksum of its \(name) chunk does not match")
            }
        }

        private static func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
    }

    /// Four bytes, most significant first; the caller has checked that they are there.
    private static func bigEndian(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        (0..<4).reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
    }
}
