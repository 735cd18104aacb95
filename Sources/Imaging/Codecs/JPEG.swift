import CJPEG

/// JPEG (ITU-T T.81), 8 bit, grey or colour, through the TurboJPEG API, which has no `longjmp`.
package enum JPEG {
    /// Decodes `bytes`, which start with a JPEG marker. Any damage that libjpeg notices is an error: it would go on with
    /// guessed pixels, which is wrong for measurements.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: ImageLimits = .standard
    ) throws(ImageError) -> RawImage {
        let decompressor = Decompressor()
        let header = try decompressor.header(bytes)
        try limits.check(width: header.width, height: header.height)
        let pixels = try decompressor.decompress(bytes, header)
        return RawImage(
            width: header.width, height: header.height, channels: header.channels, bitDepth: 8,
            samples: pixels.map(UInt16.init))
    }

    struct Header {
        let width: Int
        let height: Int
        let channels: Int
    }

    /// A TurboJPEG decompressor; freed with its value.
    struct Decompressor: ~Copyable {
        private let handle: tjhandle

        init() {
            guard let handle = tjInitDecompress() else { preconditionFailure("TurboJPEG has no memory to start with") }
            self.handle = handle
        }

        deinit { tjDestroy(handle) }

        func header(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> Header {
            var (width, height, subsampling, colourSpace): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
            let code = tjDecompressHeader3(
                handle, bytes.bindMemory(to: UInt8.self).baseAddress, UInt(bytes.count), &width, &height, &subsampling,
                &colourSpace)
            guard code == 0 else { throw failure(bytes) }
            // Without a frame TurboJPEG takes the file for a set of tables, which has no size.
            guard width > 0, height > 0 else { throw failure(bytes, reason: "there is no image in it") }
            switch TJCS(UInt32(bitPattern: colourSpace)) {
            case TJCS_GRAY: return Header(width: Int(width), height: Int(height), channels: 1)
            case TJCS_RGB, TJCS_YCbCr: return Header(width: Int(width), height: Int(height), channels: 3)
            default: throw .unsupported(.jpeg, feature: "CMYK")
            }
        }

        /// `[height, width, channels]` bytes.
        func decompress(_ bytes: UnsafeRawBufferPointer, _ header: Header) throws(ImageError) -> [UInt8] {
            // A progressive file may repeat scans without end, each over the whole image: LIMITSCANS stops at 500.
            let flags = TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT
            var (pixels, code) = decompress(bytes, header, flags: flags | TJFLAG_STOPONWARNING)
            // Stray bytes before the end marker come after the last pixel; being the first warning, they are all that
            // is wrong, so a second pass may ignore warnings.
            if code != 0, message.hasSuffix("extraneous bytes before marker 0xd9") {
                (pixels, code) = decompress(bytes, header, flags: flags)
                if code != 0, tjGetErrorCode(handle) == TJERR_WARNING.rawValue { code = 0 }
            }
            guard code == 0 else { throw failure(bytes) }
            return pixels
        }

        private func decompress(
            _ bytes: UnsafeRawBufferPointer, _ header: Header, flags: Int32
        ) -> (pixels: [UInt8], code: Int32) {
            var code: Int32 = -1
            let format = header.channels == 1 ? TJPF_GRAY : TJPF_RGB
            let count = header.width * header.height * header.channels
            let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
                // Rows that a failure leaves unwritten are then zero, and discarded.
                buffer.initialize(repeating: 0)
                code = tjDecompress2(
                    handle, bytes.bindMemory(to: UInt8.self).baseAddress, UInt(bytes.count), buffer.baseAddress,
                    Int32(header.width), 0, Int32(header.height), Int32(format.rawValue), flags)
                initialised = count
            }
            return (pixels, code)
        }

        private var message: String { tjGetErrorStr2(handle).map { String(cString: $0) } ?? "unknown error" }

        private func failure(_ bytes: UnsafeRawBufferPointer, reason: String? = nil) -> ImageError {
            let message = reason ?? message
            // It could not determine what sampling factors, or what colours, these are: uncommon ones, and no damage.
            if ["Unsupported", "unsupported", "Could not determine"].contains(where: { message.contains($0) }) {
                return .unsupported(.jpeg, feature: "this kind of (\(message))")
            }
            let hasEnd = zip(bytes, bytes.dropFirst()).contains { $0 == 0xFF && $1 == 0xD9 }
            return hasEnd
                ? .corrupt(.jpeg, reason: message)
                : .truncated(.jpeg, detail: "it ends after \(bytes.count) bytes, without an end marker")
        }
    }
}
