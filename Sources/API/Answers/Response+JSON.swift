import HTTP
package import HTTPTypes
package import Server

extension Response {
    /// Indented, with a line end: most readers look at it in a terminal.
    package static func json(_ value: JSON, _ status: HTTPResponse.Status = .ok, fields: HTTPFields = [:]) -> Response {
        Response(status, type: .json, bytes: value.encoded(pretty: true) + [UInt8(ascii: "\n")], fields: fields)
    }
}

extension Problem {
    /// The answer that carries the problem.
    package var response: Response {
        var fields = HTTPFields()
        for header in headers {
            if let name = HTTPField.Name(header.name) { fields[name] = header.value }
        }
        return Response(
            HTTPResponse.Status(code: status), type: .problemJSON,
            bytes: json.encoded(pretty: true) + [UInt8(ascii: "\n")], fields: fields)
    }
}
