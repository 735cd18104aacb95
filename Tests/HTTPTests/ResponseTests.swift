import HTTP
import HTTPTypes
import Testing

@Suite struct ResponseTests {
    func head(_ status: HTTPResponse.Status, _ fields: HTTPFields, _ framing: ResponseFraming, _ connection: String?)
        -> String
    {
        var output: [UInt8] = []
        ResponseEncoder.appendStart(to: &output, status: status, fields: fields)
        ResponseEncoder.appendEnd(to: &output, framing: framing, connection: connection, date: "today")
        return String(decoding: output, as: UTF8.self)
    }

    @Test func heads() {
        #expect(
            head(.ok, [.contentType: "a/b"], .length(1_234), nil)
                == "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nDate: today\r\nContent-Length: 1234\r\n\r\n")
        #expect(
            head(.noContent, [:], .none, "close")
                == "HTTP/1.1 204 No Content\r\nDate: today\r\nConnection: close\r\n\r\n")
        #expect(
            head(.ok, [.date: "then"], .chunked, "keep-alive")
                == "HTTP/1.1 200 OK\r\nDate: today\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n")
        #expect(head(.init(code: 507), [:], .length(0), nil).hasPrefix("HTTP/1.1 507 Insufficient Storage\r\n"))
    }

    @Test func handlersCannotBreakTheFraming() {
        let fields: HTTPFields = [
            .contentLength: "5", .transferEncoding: "chunked", .connection: "upgrade", .server: "a\r\nX: y",
        ]
        #expect(
            head(.init(code: 299, reasonPhrase: "a\r\nb"), fields, .length(0), nil)
                == "HTTP/1.1 299 a  b\r\nServer: a  X: y\r\nDate: today\r\nContent-Length: 0\r\n\r\n")
    }

    @Test func chunks() {
        var output: [UInt8] = []
        ResponseEncoder.appendChunk(Array(repeating: 120, count: 26), to: &output)
        ResponseEncoder.appendChunk([], to: &output)
        output += ResponseEncoder.lastChunk
        #expect(
            String(decoding: output, as: UTF8.self) == "1a\r\n" + String(repeating: "x", count: 26) + "\r\n0\r\n\r\n")
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
    ]) func dates(_ seconds: Int, _ text: String) {
        #expect(HTTPDate.format(secondsSince1970: seconds) == text)
    }
}
