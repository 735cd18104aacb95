import Foundation
import HTTP
import HTTPTypes
import Posix
import Server

/// Files of `Public/` under `/`.
extension Service {
    private static let types: [String: String] = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8", "svg": "image/svg+xml", "png": "image/png", "ico": "image/x-icon",
        "json": "application/json", "txt": "text/plain; charset=utf-8", "woff2": "font/woff2",
        "md": "text/markdown; charset=utf-8",
    ]

    /// What the page may do: run and load what this server sends, talk to this server, show pictures that it made itself
    /// (`blob:`). No inline script or style, no form that leaves, no frame around it, no text that becomes markup.
    private static let contentSecurityPolicy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:", "connect-src 'self'",
        "font-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ].joined(separator: "; ")

    private static let safety: [(name: HTTPField.Name?, value: String)] = [
        (.xContentTypeOptions, "nosniff"),
        (.contentSecurityPolicy, contentSecurityPolicy),
        (HTTPField.Name("Referrer-Policy"), "no-referrer"),
        (HTTPField.Name("Cross-Origin-Opener-Policy"), "same-origin"),
        (HTTPField.Name("Cross-Origin-Resource-Policy"), "same-origin"),
    ]

    /// The file that a path names, and what the system knows of it; nil when there is none, or it lies outside the folder.
    func publicFile(at path: String) -> (path: String, attributes: [FileAttributeKey: Any])? {
        guard let root = configuration.publicDirectory, let path = PublicPath.resolve(path, below: root),
            let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            attributes[.type] as? FileAttributeType == .typeRegular
        else { return nil }
        return (path, attributes)
    }

    func staticFile(for request: Request) -> Result<Response, any Error>? {
        guard let (path, attributes) = publicFile(at: request.path) else { return nil }
        let size = attributes[.size] as? Int ?? 0
        let modified = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        let type = Self.types[URL(filePath: path).pathExtension.lowercased()] ?? "application/octet-stream"
        let download = Download(
            source: .file(path: path), type: type,
            validators: Validators(tag: EntityTag("\(size)-\(Int(modified * 1_000))"), modified: Int(modified)),
            cacheControl: "no-cache")
        return Result {
            var response = try download.answer(to: request)
            for case (let name?, let value) in Self.safety { response.fields[name] = value }
            return response
        }
    }
}

/// From the path of a URL to a file below a folder, and never above it.
package enum PublicPath {
    /// The real path of the file, links resolved; nil for anything that is hidden, malformed or elsewhere.
    package static func resolve(_ path: String, below root: String) -> String? {
        guard path.hasPrefix("/"), let decoded = try? PercentCoding.decode(path), !decoded.contains("\0") else {
            return nil
        }
        var segments = decoded.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        // A leading dot is a hidden file, "." or ".."; a backslash is somebody trying.
        guard segments.allSatisfy({ !$0.hasPrefix(".") && !$0.contains("\\") }) else { return nil }
        if segments.isEmpty { segments = ["index.html"] }
        guard let folder = realPath(root), let file = realPath(([root] + segments).joined(separator: "/")),
            file.hasPrefix(folder + "/")
        else { return nil }
        return file
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
