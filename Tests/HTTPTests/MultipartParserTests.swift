import HTTP
import HTTPTypes
import Testing

@Suite struct MultipartParserTests {
    struct Sink: MultipartSink, Equatable {
        struct Found: Equatable {
            let head: PartHead
            var bytes: [UInt8] = []
            var hasEnded = false
        }
        var parts: [Found] = []

        mutating func beginPart(_ head: PartHead) { parts.append(Found(head: head)) }
        mutating func append(_ bytes: Span<UInt8>) {
            for index in bytes.indices { parts[parts.count - 1].bytes.append(bytes[index]) }
        }
        mutating func endPart() { parts[parts.count - 1].hasEnded = true }
    }

    struct Outcome: Equatable {
        var sink = Sink()
        var error: MultipartError?
        var isUnexpected = false
    }

    static let limits: Limits = {
        var limits = Limits()
        limits.parts = 3
        limits.partHeadBytes = 200
        return limits
    }()

    static func parse(_ pieces: [[UInt8]], boundary: String = "XX") -> Outcome {
        var outcome = Outcome()
        do {
            var parser = try MultipartParser(
                MediaType("multipart", "form-data", ["boundary": boundary]), limits: limits)
            for piece in pieces { try parser.parse(piece.span, into: &outcome.sink) }
            try parser.finish()
        } catch let error as MultipartError {
            outcome.error = error
        } catch {
            outcome.isUnexpected = true
        }
        return outcome
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let body: String
        /// "name|filename|content" of each part.
        let parts: [String]
        var error: MultipartError?
        var testDescription: String { name }

        init(_ name: String, _ body: String, _ parts: [String], _ error: MultipartError? = nil) {
            (self.name, self.body, self.parts, self.error) = (name, body, parts, error)
        }
    }

    static let a = "Content-Disposition: form-data; name=\"a\"\r\n\r\n"
    static let rows: [Row] = [
        Row("one part", "--XX\r\n\(a)hello\r\n--XX--\r\n", ["a||hello"]),
        Row("no line end after the last boundary", "--XX\r\n\(a)hello\r\n--XX--", ["a||hello"]),
        Row("two parts", "--XX\r\n\(a)1\r\n--XX\r\n\(a)2\r\n--XX--\r\n", ["a||1", "a||2"]),
        Row("empty part", "--XX\r\n\(a)\r\n--XX--\r\n", ["a||"]),
        Row("empty part without its own line end", "--XX\r\n\(a)--XX--\r\n", ["a||"]),
        Row("no parts", "--XX--\r\n", []),
        Row("preamble and epilogue", "hello\r\n--X\r\n--XX\r\n\(a)1\r\n--XX--\r\nbye\r\n--XX\r\n", ["a||1"]),
        Row("padding after a boundary", "--XX \t\r\n\(a)1\r\n--XX--\r\n", ["a||1"]),
        Row(
            "line ends in the content", "--XX\r\n\(a)\r\n\r\r\n-\r\n--\r\n--X\r\n\r\n--XX--",
            ["a||\r\n\r\r\n-\r\n--\r\n--X\r\n"]),
        Row("boundary in mid-line", "--XX\r\n\(a)x--XX\r\n--XX--", ["a||x--XX"]),
        Row("CR before the boundary", "--XX\r\n\(a)x\r\r\n--XX--", ["a||x\r"]),
        Row("LF alone before a boundary", "--XX\r\n\(a)x\n--XX--\r\n--XX--", ["a||x\n--XX--"]),
        Row(
            "file",
            "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x y.png\"\r\nContent-Type: image/png\r\n\r\n1\r\n--XX--",
            ["f|x y.png|1"]),
        Row(
            "UTF-8 file name", "--XX\r\nContent-Disposition: form-data; name=f; filename=\"ü.png\"\r\n\r\n1\r\n--XX--",
            ["f|ü.png|1"]),
        Row(
            "extended file name",
            "--XX\r\nContent-Disposition: form-data; name=f; filename=\"_.png\"; filename*=UTF-8''%c3%bc.png\r\n\r\n1\r\n--XX--",
            ["f|ü.png|1"]),
        Row(
            "escapes",
            "--XX\r\nContent-Disposition: form-data; name=\"a\\\"b\"; filename=\"C:\\dir\\x\"\r\n\r\n1\r\n--XX--",
            ["a\"b|C:\\dir\\x|1"]),

        Row("nothing", "", [], .truncated),
        Row("no last boundary", "--XX\r\n\(a)1\r\n--XX", ["a||1"], .truncated),
        Row("ends in a head", "--XX\r\nContent-Disp", [], .truncated),
        Row("text on the boundary's line", "--XX\r\n\(a)1\r\n--XXY\r\n", ["a||1"], .malformedDelimiter),
        Row("one dash", "--XX\r\n\(a)1\r\n--XX-\r\n", ["a||1"], .malformedDelimiter),
        Row("no disposition", "--XX\r\nContent-Type: text/plain\r\n\r\n1\r\n--XX--", [], .missingName(part: 1)),
        Row("no name", "--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--", [], .missingName(part: 1)),
        Row(
            "attachment", "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--XX--", [],
            .missingName(part: 1)),
        Row(
            "two dispositions", "--XX\r\nContent-Disposition: form-data; name=a\r\n\(a)1\r\n--XX--", [],
            .missingName(part: 1)),
        Row("bad field", "--XX\r\nnonsense\r\n\r\n1\r\n--XX--", [], .malformedPartHead),
        Row("bare LF in a head", "--XX\r\nA: b\n\r\n1\r\n--XX--", [], .malformedPartHead),
        Row("large head", "--XX\r\nA: " + String(repeating: "b", count: 200), [], .partHeadTooLarge(limit: 200)),
        Row(
            "too many parts", String(repeating: "--XX\r\n\(a)1\r\n", count: 4) + "--XX--", ["a||1", "a||1", "a||1"],
            .tooManyParts(limit: 3)),
    ]

    @Test(arguments: rows) func matches(_ row: Row) {
        let outcome = Self.parse([Array(row.body.utf8)])
        #expect(outcome.error == row.error)
        #expect(!outcome.isUnexpected)
        let found = outcome.sink.parts.map {
            "\($0.head.name)|\($0.head.filename ?? "")|\(String(decoding: $0.bytes, as: UTF8.self))"
        }
        #expect(found == row.parts)
        #expect(outcome.sink.parts.allSatisfy { $0.hasEnded })
    }

    @Test(arguments: rows) func doesNotDependOnHowTheInputIsCut(_ row: Row) {
        let bytes = Array(row.body.utf8)
        let whole = Self.parse([bytes])
        for pieces in splits(bytes) {
            let cut = Self.parse(pieces)
            #expect(cut == whole, "cut at \(pieces[0].count)")
            if cut != whole { return }
        }
    }

    /// Counts how often bytes are handed on.
    struct CountingSink: MultipartSink {
        var (calls, bytes) = (0, 0)
        mutating func beginPart(_ head: PartHead) {}
        mutating func append(_ bytes: Span<UInt8>) { (calls, self.bytes) = (calls + 1, self.bytes + bytes.count) }
        mutating func endPart() {}
    }

    /// Each run may become a write to disk, so a client must not be able to make many of few bytes.
    @Test(arguments: ["\r", "\r\n", "\r\n--", "\r\n--X"]) func lineEndsDoNotCutTheContent(_ unit: String) throws {
        var parser = try MultipartParser(MediaType("multipart", "form-data", ["boundary": "XX"]), limits: Limits())
        var sink = CountingSink()
        let content = Array(String(repeating: unit, count: 1_000).utf8) + [97]
        try parser.parse((Array("--XX\r\n\(Self.a)x".utf8) + content + Array("\r\n--XX--".utf8)).span, into: &sink)
        try parser.finish()
        #expect(sink.calls == 1 && sink.bytes == content.count + 1)
    }

    @Test func partHead() throws {
        let body =
            "--XX\r\nContent-Type: Image/PNG; a=b\r\nContent-Disposition: form-data; name=\"\u{e4}\"\r\nX: y\r\n\r\n1\r\n--XX--"
        let head = try #require(Self.parse([Array(body.utf8)]).sink.parts.first).head
        #expect(head.name == "\u{e4}")
        #expect(head.filename == nil)
        #expect(head.mediaType == MediaType("image", "png", ["a": "b"]))
        #expect(head.fields.count == 3)
    }

    @Test(arguments: ["", "a ", "é", String(repeating: "x", count: 71)]) func refusesBoundary(_ boundary: String) {
        #expect(throws: MultipartError.missingBoundary) {
            try MultipartParser(MediaType("multipart", "form-data", ["boundary": boundary]), limits: Limits())
        }
    }

    @Test func needsBoundary() {
        #expect(throws: MultipartError.missingBoundary) { try MultipartParser(.multipartFormData, limits: Limits()) }
    }
}
