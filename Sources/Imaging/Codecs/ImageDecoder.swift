import Glibc

/// Bytes to samples, whichever supported format they are in.
package enum ImageDecoder {
    /// - Throws: `ImageError`; sizes over `limits` are refused from the header, before memory is set aside.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: ImageLimits = .standard
    ) throws(ImageError) -> RawImage {
        guard bytes.count <= limits.maximumBytes else {
            throw .tooManyBytes(found: bytes.count, limit: limits.maximumBytes)
        }
        switch try ImageFormat.sniff(bytes) {
        case .png: return try PNG.decode(bytes, limits: limits)
        case .jpeg: return try JPEG.decode(bytes, limits: limits)
        }
    }

    package static func decode(_ bytes: [UInt8], limits: ImageLimits = .standard) throws(ImageError) -> RawImage {
        // `withUnsafeBytes` would lose the error's type.
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(ImageError) in try decode(buffer, limits: limits) }
        }
        return try result.get()
    }

    package static func decode(path: String, limits: ImageLimits = .standard) throws(ImageError) -> RawImage {
        try decode(readFile(path, limit: limits.maximumBytes), limits: limits)
    }

    /// Width and height by the header alone; the pixels may still turn out to be damaged.
    package static func size(
        _ bytes: UnsafeRawBufferPointer, limits: ImageLimits = .standard
    ) throws(ImageError) -> (width: Int, height: Int) {
        switch try ImageFormat.sniff(bytes) {
        case .png:
            let header = try PNGStructure.Header(bytes)
            try limits.check(width: header.width, height: header.height)
            return (header.width, header.height)
        case .jpeg:
            let decompressor = JPEG.Decompressor()
            let header = try decompressor.header(bytes)
            try limits.check(width: header.width, height: header.height)
            return (header.width, header.height)
        }
    }

    private static func readFile(_ path: String, limit: Int) throws(ImageError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, errno: errno) }
        defer { _ = close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, errno: errno) }
        let size = Int(status.st_size)
        guard size <= limit else { throw .tooManyBytes(found: size, limit: limit) }
        var failure: Int32 = 0
        // The size is a hint: a file that shrinks gives fewer bytes, one that grows is cut there and found truncated.
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size, let base = buffer.baseAddress {
                let got = read(descriptor, base + count, size - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                guard got > 0 else { return }
                count += got
            }
        }
        guard failure == 0 else { throw .unreadable(path: path, errno: failure) }
        return bytes
    }
}
