import Basics
import Cryptography
import HTTPTypes
import Posix
import Server

/// A hash of all that a request asks for: method, address, and the content of each part. Boundaries of forms, which differ from one
/// attempt to the next, are not in it.
enum RequestFingerprint {
    static func of(_ request: Request) throws -> String {
        var hash = SHA256()
        add("\(request.method.rawValue) \(request.head.path ?? "")", to: &hash)
        switch request.body {
        case .none: break
        case .content(let content):
            add(request.fields[.contentType] ?? "", to: &hash)
            try add(content, to: &hash)
        case .multipart(let parts):
            for part in parts {
                add(part.name, to: &hash)
                add(part.filename ?? "", to: &hash)
                try add(part.content, to: &hash)
            }
        }
        return Hex.string(hash.finalize())
    }

    /// With its length before it, so that no two lists of texts run together to the same bytes.
    private static func add(_ text: String, to hash: inout SHA256) {
        hash.update("\(text.utf8.count):".utf8)
        hash.update(text.utf8)
    }

    private static func add(_ content: Content, to hash: inout SHA256) throws {
        hash.update("\(content.count):".utf8)
        switch content {
        case .memory(let bytes): hash.update(bytes)
        case .file(let file):
            let slice = try FileSlice(path: file.path)
            var offset = 0
            while offset < slice.count {
                let bytes = try slice.bytes(at: offset, limit: 1 << 20)
                guard !bytes.isEmpty else { break }
                hash.update(bytes)
                offset += bytes.count
            }
        }
    }
}
