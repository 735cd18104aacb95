package import HTTP
package import HTTPTypes
package import Posix

package enum ResponseBody: Sendable {
    case none
    case bytes([UInt8])
    case file(FileSlice)

    package var count: Int {
        switch self {
        case .none: 0
        case .bytes(let bytes): bytes.count
        case .file(let file): file.count
        }
    }
}

/// An answer that is always the same, encoded once but for what differs from request to request: name, date, framing.
package final class ConstantResponse: Sendable {
    let status: HTTPResponse.Status
    /// Status line and fields.
    let start: [UInt8]
    let body: ResponseBody

    package init(_ response: Response) {
        status = response.status
        body = response.body
        var start: [UInt8] = []
        ResponseEncoder.appendStart(to: &start, status: response.status, fields: response.fields)
        self.start = start
    }
}

/// A whole answer. Framing, Date and Connection are the server's; what a handler sets of them is left out.
package struct Response: Sendable {
    package var status: HTTPResponse.Status
    package var fields: HTTPFields
    package var body: ResponseBody

    package init(_ status: HTTPResponse.Status = .ok, fields: HTTPFields = [:], body: ResponseBody = .none) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// An answer of `bytes`, with its Content-Type.
    package init(_ status: HTTPResponse.Status = .ok, type: MediaType, bytes: [UInt8], fields: HTTPFields = [:]) {
        self.init(status, fields: fields, body: .bytes(bytes))
        self.fields[.contentType] = type.description
    }
}
