import HTTP
import HTTPTypes
import Testing

/// Conditional requests, ranges, codings, dates and download names: tables of header in, decision out.
@Suite struct SemanticsTests {
    struct Condition: Sendable, CustomTestStringConvertible {
        let name: String
        let fields: HTTPFields
        var method = HTTPRequest.Method.get
        let expected: Precondition
        var testDescription: String { name }
    }

    // Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110's examples.
    static let moment = 784_111_777
    static let current = Validators(tag: EntityTag("v2"), modified: moment)

    static let conditions = [
        Condition(name: "none", fields: [:], expected: .met),
        Condition(name: "same tag", fields: [.ifNoneMatch: "\"v2\""], expected: .notModified),
        Condition(name: "same tag, weak", fields: [.ifNoneMatch: "W/\"v2\""], expected: .notModified),
        Condition(name: "any", fields: [.ifNoneMatch: " * "], expected: .notModified),
        Condition(name: "in a list", fields: [.ifNoneMatch: "\"a,b\", \"v2\""], expected: .notModified),
        Condition(name: "another tag", fields: [.ifNoneMatch: "\"v1\""], expected: .met),
        Condition(name: "not a tag", fields: [.ifNoneMatch: "v2"], expected: .met),
        Condition(name: "DELETE, same tag", fields: [.ifNoneMatch: "\"v2\""], method: .delete, expected: .failed),
        Condition(name: "If-Match", fields: [.ifMatch: "\"v1\", \"v2\""], expected: .met),
        Condition(name: "If-Match any", fields: [.ifMatch: "*"], expected: .met),
        Condition(name: "If-Match is strong", fields: [.ifMatch: "W/\"v2\""], expected: .failed),
        Condition(name: "If-Match another", fields: [.ifMatch: "\"v1\""], expected: .failed),
        Condition(
            name: "not modified since", fields: [.ifModifiedSince: "Sun, 06 Nov 1994 08:49:37 GMT"],
            expected: .notModified),
        Condition(
            name: "modified since", fields: [.ifModifiedSince: "Sun, 06 Nov 1994 08:49:36 GMT"], expected: .met),
        Condition(
            name: "the tag goes before the date",
            fields: [.ifNoneMatch: "\"v1\"", .ifModifiedSince: "Sun, 06 Nov 1994 08:49:37 GMT"], expected: .met),
        Condition(name: "no date", fields: [.ifModifiedSince: "yesterday"], expected: .met),
        Condition(
            name: "dates are for reading", fields: [.ifModifiedSince: "Sun, 06 Nov 1994 08:49:37 GMT"], method: .post,
            expected: .met),
        Condition(
            name: "unmodified since", fields: [.ifUnmodifiedSince: "Sunday, 06-Nov-94 08:49:37 GMT"], expected: .met),
        Condition(
            name: "modified after all", fields: [.ifUnmodifiedSince: "Sun Nov  6 08:49:36 1994"], expected: .failed),
        Condition(
            name: "If-Match goes before the date",
            fields: [.ifMatch: "\"v2\"", .ifUnmodifiedSince: "Sun Nov  6 08:49:36 1994"], expected: .met),
    ]

    @Test(arguments: conditions) func conditionsAreJudged(_ row: Condition) {
        #expect(Precondition.evaluate(row.method, row.fields, Self.current) == row.expected)
    }

    struct RangeRow: Sendable, CustomTestStringConvertible {
        let header: String
        var size = 100
        var condition: String?
        let expected: ByteRange
        var testDescription: String { "\(header) of \(size) \(condition ?? "")" }
    }

    static let ranges = [
        RangeRow(header: "bytes=0-9", expected: .part(0..<10)),
        RangeRow(header: "bytes=90-", expected: .part(90..<100)),
        RangeRow(header: "bytes=-10", expected: .part(90..<100)),
        RangeRow(header: "bytes=-1000", expected: .part(0..<100)),
        RangeRow(header: "bytes=99-5000", expected: .part(99..<100)),
        RangeRow(header: "Bytes = 5-5", expected: .part(5..<6)),
        RangeRow(header: "bytes=0-9223372036854775807", expected: .part(0..<100)),
        RangeRow(header: "bytes=0-99999999999999999999999", expected: .part(0..<100)),
        RangeRow(header: "bytes=100-", expected: .unsatisfiable),
        RangeRow(header: "bytes=-0", expected: .unsatisfiable),
        RangeRow(header: "bytes=0-", size: 0, expected: .unsatisfiable),
        RangeRow(header: "bytes=99999999999999999999999-", expected: .unsatisfiable),
        RangeRow(header: "bytes=9-0", expected: .whole),
        RangeRow(header: "bytes=0-1,5-6", expected: .whole),
        RangeRow(header: "bytes=-", expected: .whole),
        RangeRow(header: "bytes=+1-2", expected: .whole),
        RangeRow(header: "bytes=a-b", expected: .whole),
        RangeRow(header: "bytes", expected: .whole),
        RangeRow(header: "lines=0-9", expected: .whole),
        RangeRow(header: "bytes=0-9", condition: "\"v2\"", expected: .part(0..<10)),
        RangeRow(header: "bytes=0-9", condition: "W/\"v2\"", expected: .whole),
        RangeRow(header: "bytes=0-9", condition: "\"v1\"", expected: .whole),
        RangeRow(header: "bytes=0-9", condition: "Sun, 06 Nov 1994 08:49:37 GMT", expected: .part(0..<10)),
        RangeRow(header: "bytes=0-9", condition: "Sun, 06 Nov 1994 08:49:38 GMT", expected: .whole),
    ]

    @Test(arguments: ranges) func rangesAreCut(_ row: RangeRow) {
        var fields: HTTPFields = [.range: row.header]
        fields[.ifRange] = row.condition
        #expect(ByteRange.requested(.get, fields, Self.current, size: row.size) == row.expected)
        #expect(ByteRange.requested(.post, fields, Self.current, size: row.size) == .whole)
        #expect(ByteRange.contentRange(2..<5, of: 9) == "bytes 2-4/9")
    }

    @Test(
        arguments: [
            (nil, false), ("", false), ("gzip", true), ("x-gzip", true), ("br, gzip;q=0.5", true), ("gzip;q=0", false),
            ("*", true), ("*;q=0", false), ("gzip;q=0, *", false), ("identity, gzip;q=0.5", false), ("deflate", false),
            ("gzip;q=high", false), ("GZIP ; q=1.0", true),
        ] as [(String?, Bool)])
    func gzipIsForThoseWhoAsk(_ header: String?, _ expected: Bool) {
        #expect(AcceptEncoding.prefersGzip(header) == expected)
    }

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func datesOfAllThreeForms(_ text: String) {
        #expect(HTTPDate.parse(text) == Self.moment)
    }

    @Test(arguments: [
        "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "-1",
        "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
    ])
    func otherTextsAreNoDates(_ text: String) { #expect(HTTPDate.parse(text) == nil) }

    @Test func datesComeBack() {
        // Leap days, turns of centuries and the last second of a day, over 200 years.
        for day in stride(from: 0, to: 80_000, by: 13) {
            let seconds = day * 86_400 + (day * 7_919) % 86_400
            #expect(HTTPDate.parse(HTTPDate.format(secondsSince1970: seconds)) == seconds)
        }
    }

    @Test(arguments: [
        ("heart", #"attachment; filename="heart-v1.bin""#),
        ("Zähne", #"attachment; filename="Z_hne-v1.bin"; filename*=UTF-8''Z%C3%A4hne-v1.bin"#),
        ("../a\"b\\c\r\nX: y", #"attachment; filename="_a_b_c__X_ y-v1.bin""#),
        ("", #"attachment; filename="download-v1.bin""#), (" .. ", #"attachment; filename="download-v1.bin""#),
    ])
    func downloadNamesSurvive(_ stem: String, _ expected: String) {
        #expect(Attachment.disposition(stem: stem, suffix: "-v1.bin") == expected)
    }

    @Test func downloadNamesAreCutBetweenCharacters() {
        let value = Attachment.disposition(stem: String(repeating: "ä", count: 500), suffix: ".bin")
        #expect(value.hasSuffix("''" + String(repeating: "%C3%A4", count: 60) + ".bin"))
    }

    @Test func eventsAreFramed() {
        #expect(
            String(decoding: ServerSentEvent.encode(id: 7, event: "job", data: "{}"), as: UTF8.self)
                == "id: 7\nevent: job\ndata: {}\n\n")
        #expect(
            String(decoding: ServerSentEvent.encode(id: 8, event: "job", data: "a\r\nb\rc\n"), as: UTF8.self)
                == "id: 8\nevent: job\ndata: a\ndata: b\ndata: c\ndata: \n\n")
    }
}
