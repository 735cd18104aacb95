import Basics

/// The formats that can be decoded.
package enum ImageFormat: String, Sendable {
    case png = "PNG"
    case jpeg = "JPEG"
}

extension ImageFormat {
    /// The format of `bytes` by its first bytes: names and content types lie too often.
    static func sniff(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> ImageFormat {
        guard !bytes.isEmpty else { throw .empty }
        if bytes.starts(with: PNGStructure.signature) { return .png }
        if bytes.starts(with: jpegStart) { return .jpeg }
        if bytes.count < PNGStructure.signature.count, PNGStructure.signature.starts(with: bytes) {
            throw .truncated(.png, detail: "only the first \(bytes.count) bytes are there")
        }
        if bytes.count < jpegStart.count, jpegStart.starts(with: bytes) {
            throw .truncated(.jpeg, detail: "only the first \(bytes.count) bytes are there")
        }
        if bytes.dropFirst().starts(with: Array("PNG".utf8)) {
            // The signature holds a line break of each kind so that this is noticed (PNG, third edition, §5.2).
            throw .corrupt(.png, reason: "its signature was changed, as by a transfer in text mode")
        }
        throw .unknownFormat(found: name(of: bytes))
    }

    // SOI, and the first byte of the next marker (ITU-T T.81 §B.1.1).
    private static let jpegStart: [UInt8] = [0xFF, 0xD8, 0xFF]

    private struct Magic {
        let name: String
        let offset: Int
        let bytes: [UInt8]

        init(_ name: String, _ text: String, at offset: Int = 0) {
            self.init(name, Array(text.utf8), at: offset)
        }

        init(_ name: String, _ bytes: [UInt8], at offset: Int = 0) {
            self.name = name
            self.offset = offset
            self.bytes = bytes
        }
    }

    /// Formats that researchers are likely to send by mistake. Long magics first: "BM" would claim much.
    private static let others = [
        Magic("DICOM", "DICM", at: 128),
        Magic("NIfTI", "n+1\0", at: 344),
        Magic("NIfTI header", "ni1\0", at: 344),
        Magic("NRRD", "NRRD"),
        Magic("MetaImage", "ObjectType"),
        Magic("MetaImage", "NDims"),
        Magic("gzip (a .nii.gz?)", [0x1F, 0x8B]),
        Magic("a ZIP archive", [0x50, 0x4B, 0x03, 0x04]),
        Magic("GIF", "GIF8"),
        Magic("TIFF", [0x49, 0x49, 0x2A, 0x00]),
        Magic("TIFF", [0x4D, 0x4D, 0x00, 0x2A]),
        Magic("BigTIFF", [0x49, 0x49, 0x2B, 0x00]),
        Magic("BigTIFF", [0x4D, 0x4D, 0x00, 0x2B]),
        Magic("WebP", "WEBP", at: 8),
        Magic("AVIF", "ftypavif", at: 4),
        Magic("HEIC", "ftyphe", at: 4),
        Magic("HEIF", "ftypmif1", at: 4),
        Magic("JPEG 2000", "jP  ", at: 4),
        Magic("JPEG 2000", [0xFF, 0x4F, 0xFF, 0x51]),
        Magic("JPEG XL", "JXL ", at: 4),
        Magic("JPEG XL", [0xFF, 0x0A]),
        Magic("HDF5", [0x89, 0x48, 0x44, 0x46]),
        Magic("a NumPy array", [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]),
        Magic("Photoshop", "8BPS"),
        Magic("PDF", "%PDF"),
        Magic("XML or SVG", "<?xml"),
        Magic("SVG", "<svg"),
        Magic("HTML", "<!"),
        Magic("HTML", "<html"),
        Magic("JSON", "{"),
        Magic("base64 text of a PNG", "iVBORw0KGgo"),
        Magic("base64 text of a JPEG", "/9j/"),
        Magic("a data URL", "data:"),
        Magic("BMP", "BM"),
    ]

    private static func name(of bytes: UnsafeRawBufferPointer) -> String {
        let known = others.first { bytes.dropFirst($0.offset).starts(with: $0.bytes) }
        if let known { return known.name }
        if bytes.count > 2, bytes[0] == UInt8(ascii: "P"), (UInt8(ascii: "1")...UInt8(ascii: "7")).contains(bytes[1]),
            [0x0A, 0x0D, 0x20].contains(bytes[2])
        {
            return "a PNM image"
        }
        return "data that starts with the bytes " + Hex.string(bytes.prefix(8))
    }
}
