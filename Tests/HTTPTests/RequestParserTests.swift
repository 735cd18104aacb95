import HTTP
import HTTPTypes
import Testing

@Suite struct RequestParserTests {
    struct Row: Sendable, CustomTestStringConvertible {
        enum Outcome: Sendable {
            case complete([String])  // "METHOD path body" per request
            case partial
            case invalid(RequestError)
        }
        let name: String
        let text: String
        let outcome: Outcome
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ outcome: Outcome) {
            (self.name, self.text, self.outcome) = (name, text, outcome)
        }
    }

    static let tight: Limits = {
        var limits = Limits()
        limits.headBytes = 256
        limits.targetBytes = 64
        limits.fieldCount = 5
        limits.bodyBytes = 100
        return limits
    }()

    static func post(_ fields: String, _ body: String = "") -> String {
        "POST /a HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\(body)"
    }

    static let rows: [Row] = [
        Row("smallest", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", .complete(["GET / "])),
        Row("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", .complete(["GET / "])),
        Row("higher minor version", "GET / HTTP/1.7\r\nHost: h\r\n\r\n", .complete(["GET / "])),
        Row("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", .complete(["GET / "])),
        Row("empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .complete(["GET / "])),
        Row("query", "GET /a?b=c|d HTTP/1.1\r\nHost: h:80\r\n\r\n", .complete(["GET /a?b=c|d "])),
        Row("IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", .complete(["GET / "])),
        Row("absolute form", "GET http://x.org/a?b HTTP/1.1\r\nHost: h\r\n\r\n", .complete(["GET /a?b "])),
        Row("absolute form without path", "GET http://x.org?b HTTP/1.1\r\nHost: h\r\n\r\n", .complete(["GET /?b "])),
        Row("asterisk form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", .complete(["OPTIONS * "])),
        Row("unknown method", "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n", .complete(["BREW /pot "])),
        Row("length", post("Content-Length: 5\r\n", "hello"), .complete(["POST /a hello"])),
        Row("length with leading zeros", post("Content-Length: 0005\r\n", "hello"), .complete(["POST /a hello"])),
        Row("length zero", post("Content-Length: 0\r\n"), .complete(["POST /a "])),
        Row("chunked", post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), .complete(["POST /a hello"])),
        Row(
            "chunked, capitals", post("Transfer-Encoding: Chunked\r\n", "A\r\n0123456789\r\n00\r\n\r\n"),
            .complete(["POST /a 0123456789"])),
        Row(
            "chunk extensions", post("Transfer-Encoding: chunked\r\n", "5;a=b;c=\"d e\"\r\nhello\r\n0 ;x\r\n\r\n"),
            .complete(["POST /a hello"])),
        Row(
            "trailers", post("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\nDigest: y\r\n\r\n"),
            .complete(["POST /a x"])),
        Row(
            "pipelined",
            "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n" + post("Content-Length: 1\r\n", "x") + "GET /3 HTTP/1.0\r\n\r\n",
            .complete(["GET /1 ", "POST /a x", "GET /3 "])),
        Row("white space around a value", "GET / HTTP/1.1\r\nHost: \t h \t \r\n\r\n", .complete(["GET / "])),
        Row("expectation met", post("Expect: 100-Continue\r\nContent-Length: 1\r\n", "x"), .complete(["POST /a x"])),
        Row("expectation from a 1.0 client is ignored", "GET / HTTP/1.0\r\nExpect: tea\r\n\r\n", .complete(["GET / "])),

        Row("nothing", "", .complete([])),
        Row("half a request line", "GET /", .partial),
        Row("half a head", "GET / HTTP/1.1\r\nHost: h\r\n", .partial),
        Row("half a body", post("Content-Length: 5\r\n", "hel"), .partial),
        Row("half a chunk", post("Transfer-Encoding: chunked\r\n", "5\r\nhel"), .partial),
        Row("no last chunk", post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"), .partial),

        Row("TLS hello", "\u{16}\u{3}\u{1}", .invalid(.malformedRequestLine)),
        Row("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .invalid(.unsupportedVersion("HTTP/2.0"))),
        Row("HTTP/0.9", "GET /\r\n", .invalid(.malformedRequestLine)),
        Row("lower-case protocol", "GET / http/1.1\r\n", .invalid(.malformedRequestLine)),
        Row("two spaces", "GET  / HTTP/1.1\r\n", .invalid(.malformedRequestLine)),
        Row("space at the end", "GET / HTTP/1.1 \r\n", .invalid(.malformedRequestLine)),
        Row("five empty lines", "\r\n\r\n\r\n\r\n\r\n", .invalid(.malformedRequestLine)),
        Row(
            "method of 40 letters", String(repeating: "A", count: 40) + " / HTTP/1.1\r\n",
            .invalid(.malformedRequestLine)),
        Row("bare LF", "GET / HTTP/1.1\nHost: h\n\n", .invalid(.bareLineEnd)),
        Row("bare LF in the fields", "GET / HTTP/1.1\r\nHost: h\n\r\n", .invalid(.bareLineEnd)),
        Row("bare CR in a value", "GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", .invalid(.bareLineEnd)),
        Row("relative target", "GET a HTTP/1.1\r\n", .invalid(.malformedTarget("a"))),
        Row("fragment", "GET /#a HTTP/1.1\r\n", .invalid(.malformedTarget("/?a"))),
        Row("non-ASCII target", "GET /\u{e9} HTTP/1.1\r\n", .invalid(.malformedTarget("/??"))),
        Row("asterisk with GET", "GET * HTTP/1.1\r\n", .invalid(.malformedTarget("*"))),
        Row("other scheme", "GET ftp://h/ HTTP/1.1\r\n", .invalid(.malformedTarget("ftp://h/"))),
        Row("user in an authority", "GET http://u@h/ HTTP/1.1\r\n", .invalid(.malformedHost("u@h"))),
        Row("CONNECT", "CONNECT h:443 HTTP/1.1\r\n", .invalid(.unsupportedMethod("CONNECT"))),
        Row("no Host", "GET / HTTP/1.1\r\n\r\n", .invalid(.missingHost)),
        Row("two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", .invalid(.repeatedHost)),
        Row("bad Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .invalid(.malformedHost("a b"))),
        Row("bad port", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", .invalid(.malformedHost("a:65536"))),
        Row("folded field", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", .invalid(.foldedField)),
        Row("fold after the request line", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", .invalid(.foldedField)),
        Row("space before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", .invalid(.malformedFieldLine)),
        Row("no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", .invalid(.malformedFieldLine)),
        Row("no name", "GET / HTTP/1.1\r\n: h\r\n\r\n", .invalid(.malformedFieldLine)),
        Row("NUL in a value", "GET / HTTP/1.1\r\nHost: h\0\r\n\r\n", .invalid(.malformedFieldLine)),
        Row("pseudo field", "GET / HTTP/1.1\r\n:path: h\r\n\r\n", .invalid(.malformedFieldLine)),
        Row("signed length", post("Content-Length: +5\r\n"), .invalid(.malformedContentLength("+5"))),
        Row("negative length", post("Content-Length: -1\r\n"), .invalid(.malformedContentLength("-1"))),
        Row("hexadecimal length", post("Content-Length: 0x5\r\n"), .invalid(.malformedContentLength("0x5"))),
        Row("empty length", post("Content-Length:\r\n"), .invalid(.malformedContentLength(""))),
        Row("list of lengths", post("Content-Length: 5, 5\r\n"), .invalid(.malformedContentLength("5, 5"))),
        Row("two lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n"), .invalid(.repeatedContentLength)),
        Row("huge length", post("Content-Length: 99999999999999999999999\r\n"), .invalid(.bodyTooLarge(limit: 100))),
        Row("length over the limit", post("Content-Length: 101\r\n"), .invalid(.bodyTooLarge(limit: 100))),
        Row(
            "length and chunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            .invalid(.contentLengthWithTransferEncoding)),
        Row(
            "chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            .invalid(.transferEncodingInHTTP10)),
        Row(
            "chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            .invalid(.malformedTransferEncoding("chunked, chunked"))),
        Row(
            "chunked not last", post("Transfer-Encoding: chunked, gzip\r\n"),
            .invalid(.malformedTransferEncoding("chunked, gzip"))),
        Row("empty transfer encoding", post("Transfer-Encoding:\r\n"), .invalid(.malformedTransferEncoding(""))),
        Row(
            "gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n"),
            .invalid(.unsupportedTransferEncoding("gzip, chunked"))),
        Row(
            "smuggler's chunked", post("Transfer-Encoding: xchunked\r\n"),
            .invalid(.malformedTransferEncoding("xchunked"))),
        Row(
            "KELVIN SIGN in chunked", post("Transfer-Encoding: chun\u{212A}ed\r\n"),
            .invalid(.malformedTransferEncoding("chun\u{212A}ed"))),
        Row(
            "KELVIN SIGN before chunked", post("Transfer-Encoding: chun\u{212A}ed, chunked\r\n"),
            .invalid(.unsupportedTransferEncoding("chun\u{212A}ed, chunked"))),
        Row("expectation", post("Expect: tea\r\n"), .invalid(.unsupportedExpectation("tea"))),
        Row("chunk size without digits", post("Transfer-Encoding: chunked\r\n", ";a\r\n"), .invalid(.malformedChunk)),
        Row("signed chunk size", post("Transfer-Encoding: chunked\r\n", "+5\r\n"), .invalid(.malformedChunk)),
        Row("text after a chunk size", post("Transfer-Encoding: chunked\r\n", "5 a\r\n"), .invalid(.malformedChunk)),
        Row(
            "huge chunk", post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n"),
            .invalid(.bodyTooLarge(limit: 100))),
        Row(
            "overlong chunk size", post("Transfer-Encoding: chunked\r\n", "00000000000000005\r\n"),
            .invalid(.malformedChunk)),
        Row(
            "chunks over the limit",
            post("Transfer-Encoding: chunked\r\n", "60\r\n" + String(repeating: "x", count: 96) + "\r\n5\r\n"),
            .invalid(.bodyTooLarge(limit: 100))),
        Row(
            "chunk longer than it says", post("Transfer-Encoding: chunked\r\n", "2\r\nabc\r\n"),
            .invalid(.malformedChunk)),
        Row("bare LF after a chunk size", post("Transfer-Encoding: chunked\r\n", "2\nab\r\n"), .invalid(.bareLineEnd)),
        Row(
            "endless chunk extension",
            post("Transfer-Encoding: chunked\r\n", "1;" + String(repeating: "e", count: 2_000)),
            .invalid(.malformedChunk)),
        Row(
            "endless trailers",
            post("Transfer-Encoding: chunked\r\n", "0\r\n" + String(repeating: "A: b\r\n", count: 6)),
            .invalid(.tooManyFields(limit: 5))),
        Row(
            "long target", "GET /" + String(repeating: "a", count: 64) + " HTTP/1.1\r\n",
            .invalid(.targetTooLong(limit: 64))),
        Row("endless target", "GET /" + String(repeating: "a", count: 300), .invalid(.targetTooLong(limit: 64))),
        Row(
            "large head", "GET / HTTP/1.1\r\nHost: h\r\nA: " + String(repeating: "a", count: 256) + "\r\n\r\n",
            .invalid(.headTooLarge(limit: 256))),
        Row(
            "endless field", "GET / HTTP/1.1\r\nHost: " + String(repeating: "h", count: 300),
            .invalid(.headTooLarge(limit: 256))),
        Row(
            "many fields", "GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "A: b\r\n", count: 5) + "\r\n",
            .invalid(.tooManyFields(limit: 5))),
    ]

    @Test(arguments: rows) func matches(_ row: Row) {
        let parsed = parse([Array(row.text.utf8)], limits: Self.tight)
        switch row.outcome {
        case .complete(let expected):
            #expect(parsed.error == nil)
            #expect(parsed.isComplete)
            let found = parsed.requests.map {
                "\($0.head.request.method) \($0.head.request.path ?? "") \(String(decoding: $0.body, as: UTF8.self))"
            }
            #expect(found == expected)
            #expect(parsed.requests.allSatisfy { $0.trailers != nil })
        case .partial:
            #expect(parsed.error == nil)
            #expect(!parsed.isComplete)
        case .invalid(let error):
            #expect(parsed.error == error)
        }
    }

    @Test(arguments: rows) func doesNotDependOnHowTheInputIsCut(_ row: Row) {
        let bytes = Array(row.text.utf8)
        let whole = parse([bytes], limits: Self.tight)
        for pieces in splits(bytes) {
            let cut = parse(pieces, limits: Self.tight)
            #expect(cut == whole, "cut at \(pieces[0].count)")
            if cut != whole { return }
        }
    }

    /// A parser that has seen a head before makes of it what one makes that has not, however the requests are mixed and cut.
    @Test func knowsHeadsAgain() throws {
        let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
        let texts = [
            get, get, "GET /ab HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n", get,
            "\r\n\r\n" + get, get, Self.post("Content-Length: 2\r\n", "xy"), Self.post("Content-Length: 2\r\n", "GE"),
            get, Self.post("Transfer-Encoding: chunked\r\n", "1\r\nz\r\n0\r\nT: 1\r\n\r\n"),
            Self.post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), get, get,
        ]
        let expected = texts.flatMap { parse([Array($0.utf8)]).requests }
        #expect(expected.count == texts.count)
        for pieces in splits(Array(texts.joined().utf8)) {
            let parsed = parse(pieces)
            #expect(parsed == Parsed(requests: expected, error: nil, isComplete: true), "cut at \(pieces[0].count)")
        }
        // What is wrong with a request is so after a good one, too.
        let fifth = parse([Array((get + get + String(repeating: "\r\n", count: 5) + get).utf8)])
        #expect(fifth.requests.count == 2 && fifth.error == .malformedRequestLine)
    }

    /// Of all chunks together, however short the line of each.
    @Test(arguments: [(65, true), (66, false)]) func chunkExtensionsAreBounded(_ count: Int, _ isFine: Bool) {
        var limits = Self.tight
        limits.bodyBytes = 1_000
        // Each has 1,000 bytes beyond the 16 of the longest size.
        let chunk = "1;" + String(repeating: "e", count: 1_014) + "\r\nx\r\n"
        let body = String(repeating: chunk, count: count) + String(repeating: "1\r\nx\r\n", count: 10) + "0\r\n\r\n"
        let parsed = parse([Array(Self.post("Transfer-Encoding: chunked\r\n", body).utf8)], limits: limits)
        #expect(parsed.error == (isFine ? nil : .malformedChunk))
        if isFine { #expect(parsed.requests.first?.body.count == count + 10) }
    }

    @Test func limitsAreInclusive() {
        let head = "Host: h\r\nA: " + String(repeating: "a", count: 240) + "\r\n\r\n"
        #expect(head.utf8.count == 256)
        let parsed = parse(
            [Array(("GET /" + String(repeating: "b", count: 63) + " HTTP/1.1\r\n" + head).utf8)], limits: Self.tight)
        #expect(parsed.error == nil && parsed.isComplete)
    }

    @Test func keepAliveAndContinue() throws {
        func head(_ text: String) throws -> RequestHead { try #require(parse([Array(text.utf8)]).requests.first).head }
        #expect(try head("GET / HTTP/1.1\r\nHost: h\r\n\r\n").keepsAlive)
        #expect(try !head("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n").keepsAlive)
        #expect(try !head("GET / HTTP/1.0\r\n\r\n").keepsAlive)
        #expect(try head("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keepsAlive)
        #expect(try !head("GET / HTTP/1.0\r\nConnection: \u{212A}eep-alive\r\n\r\n").keepsAlive)
        #expect(try !head("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").keepsAlive)
        #expect(
            try head("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n").expectsContinue)
        #expect(
            try !head("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n").expectsContinue
        )
    }

    @Test func absoluteFormOverridesHost() throws {
        let parsed = parse([Array("GET http://x.org:81/a HTTP/1.1\r\nHost: h\r\n\r\n".utf8)])
        #expect(try #require(parsed.requests.first).head.request.authority == "x.org:81")
    }

    @Test func trailersStayApartFromFields() throws {
        let text = Self.post("Transfer-Encoding: chunked\r\n", "0\r\nHost: evil\r\nDigest: d\r\n\r\n")
        let request = try #require(parse([Array(text.utf8)]).requests.first)
        #expect(request.trailers?.map(\.value) == ["evil", "d"])
        #expect(request.head.request.headerFields.map(\.name.canonicalName) == ["transfer-encoding"])
        #expect(request.head.request.authority == "h")
    }
}
