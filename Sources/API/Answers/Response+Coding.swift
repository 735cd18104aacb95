import Compression
import HTTP
import HTTPTypes
import Posix
package import Server

extension Response {
    // Below it the head outweighs what is saved; above it the time to compress would be felt.
    private static let worthwhile = 1_024...(8 << 20)

    private static let compressible: Set = [
        "application/json", "application/problem+json", "application/yaml", "text/html", "text/css", "text/javascript",
        "text/plain", "text/markdown", "image/svg+xml",
    ]

    /// Whether a body of this type is worth compressing, and its form so depends on Accept-Encoding.
    static func isCompressible(_ type: String) -> Bool {
        MediaType(type).map { compressible.contains($0.essence) } ?? false
    }

    /// The answer in gzip, where the client asked for it and it is worth it (RFC 9110 §8.4); else as it is.
    ///
    /// Parts stay plain, as their offsets count bytes of the plain form. The tag of the coded form differs from that of the plain one, as
    /// the bytes do.
    package func compressed(for request: Request) -> Response {
        guard let type = fields[.contentType], Self.isCompressible(type), status != .partialContent else { return self }
        var response = self
        response.fields[.vary] = "Accept-Encoding"
        guard AcceptEncoding.prefersGzip(request.fields[.acceptEncoding]), Self.worthwhile.contains(body.count),
            let plain = body.bytes, let coded = Gzip.compress(plain, level: 4)
        else { return response }
        response.body = .bytes(coded)
        response.fields[.contentEncoding] = "gzip"
        // The coded form cannot be asked for in parts.
        response.fields[.acceptRanges] = nil
        if let tag = fields[.eTag].flatMap({ EntityTag(parsing: $0) }) {
            response.fields[.eTag] = tag.coded("gzip").description
        }
        return response
    }
}

extension ResponseBody {
    /// All of it in memory; nil when a file cannot be read.
    fileprivate var bytes: [UInt8]? {
        switch self {
        case .none: nil
        case .bytes(let bytes): bytes
        case .file(let file): try? file.bytes(at: 0, limit: file.count)
        }
    }
}
