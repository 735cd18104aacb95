package import HTTP
package import HTTPTypes

/// A complete request.
package struct Request: Sendable {
    /// Method, authority, path with query, fields.
    package let head: HTTPRequest
    package let body: RequestBody
    /// Where it came from: `127.0.0.1:50000`, or `unix:`.
    package let peer: String
    /// Unique, and known to the client as X-Request-Id.
    package let id: String

    package init(head: HTTPRequest, body: RequestBody = .none, peer: String = "", id: String = "-") {
        self.head = head
        self.body = body
        self.peer = peer
        self.id = id
    }

    package var method: HTTPRequest.Method { head.method }
    package var fields: HTTPFields { head.headerFields }

    /// The path without its query, percent-encoded as it was received.
    package var path: String { head.pathWithoutQuery }

    /// What follows the path's `?`; empty if there is none.
    package var queryText: String {
        let path = head.path ?? ""
        return path.utf8.firstIndex(of: UInt8(ascii: "?")).map { String(path[path.index(after: $0)...]) } ?? ""
    }
}

extension HTTPRequest {
    /// The path up to its `?`.
    package var pathWithoutQuery: String {
        let path = path ?? ""
        return path.utf8.firstIndex(of: UInt8(ascii: "?")).map { String(path[..<$0]) } ?? path
    }
}

package enum RequestBody: Sendable {
    case none
    /// Anything but multipart/form-data.
    case content(Content)
    /// The parts of multipart/form-data, in order of arrival.
    case multipart([Part])

    /// Of the content, or of all parts' contents.
    package var byteCount: Int {
        switch self {
        case .none: 0
        case .content(let content): content.count
        case .multipart(let parts): parts.reduce(0) { $0 + $1.content.count }
        }
    }
}

/// One part of a form.
package struct Part: Sendable {
    package let head: PartHead
    package let content: Content

    package init(head: PartHead, content: Content) {
        self.head = head
        self.content = content
    }

    package var name: String { head.name }
    package var filename: String? { head.filename }
    package var mediaType: MediaType? { head.mediaType }
    package var fields: HTTPFields { head.fields }
}
