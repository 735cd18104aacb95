import API
import Testing

@Suite struct JSONTests {
    /// As JavaScript writes them.
    @Test func wholeNumbersAreCanonicalWithoutAFraction() {
        let value: JSON = ["a": 8.0, "b": [0.5, -2.0, -0.0], "c": ["d": 1e300, "e": "1.0"], "f": 9]
        #expect(value.canonical.text() == #"{"a":8,"b":[0.5,-2,0],"c":{"d":1e+300,"e":"1.0"},"f":9}"#)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let value: JSON
        var testDescription: String { text }
    }

    static let valid = [
        Row(text: "null", value: nil),
        Row(text: " true ", value: true),
        Row(text: "false", value: false),
        Row(text: "0", value: 0),
        Row(text: "-0", value: 0),
        Row(text: "-12", value: -12),
        Row(text: "9223372036854775807", value: .integer(.max)),
        Row(text: "9223372036854775808", value: .number(9.223372036854775808e18)),
        Row(text: "1.5e3", value: 1500.0),
        Row(text: "1E-2", value: 0.01),
        Row(text: #""""#, value: ""),
        Row(text: #""a\"\\\/\b\f\n\r\t\u00e9""#, value: "a\"\\/\u{8}\u{C}\n\r\té"),
        Row(text: #""\ud83d\ude00""#, value: "😀"),
        Row(text: #""é😀""#, value: "é😀"),
        Row(text: "[]", value: []),
        Row(text: "\u{FEFF}[1]", value: [1]),
        Row(text: "[1, [2], {}]", value: [1, [2], [:]]),
        Row(text: "{ \"a\" : 1 , \"b\" : [ ] }", value: ["a": 1, "b": []]),
    ]

    @Test(arguments: valid) func parses(_ row: Row) throws {
        #expect(try JSONParser.parse(Array(row.text.utf8)) == row.value)
    }

    @Test(arguments: valid) func survivesItsOwnEncoding(_ row: Row) throws {
        #expect(try JSONParser.parse(row.value.encoded()) == row.value)
        #expect(try JSONParser.parse(row.value.encoded(pretty: true)) == row.value)
    }

    /// Numbers aside, whose every prefix may be a number, no text that is cut off is accepted.
    @Test(arguments: valid) func refusesEveryPrefix(_ row: Row) {
        guard row.value.doubleValue == nil else { return }
        let bytes = Array(row.text.utf8)
        let end = bytes.lastIndex { $0 != 0x20 } ?? 0
        for count in 0..<end {
            #expect(throws: JSONError.self) { try JSONParser.parse(Array(bytes[..<count])) }
        }
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let bytes: [UInt8]
        let reason: JSONError.Reason
        init(_ text: String, _ reason: JSONError.Reason) { (bytes, self.reason) = (Array(text.utf8), reason) }
        init(bytes: [UInt8], _ reason: JSONError.Reason) { (self.bytes, self.reason) = (bytes, reason) }
        var testDescription: String { String(decoding: bytes.prefix(40), as: UTF8.self) }
    }

    static let invalid = [
        Refusal("", .unexpectedEnd),
        Refusal("  ", .unexpectedEnd),
        Refusal("nul", .unexpectedEnd),
        Refusal("nulL", .unexpectedCharacter),
        Refusal("NaN", .unexpectedCharacter),
        Refusal("Infinity", .unexpectedCharacter),
        Refusal("-Infinity", .invalidNumber),
        Refusal("+1", .unexpectedCharacter),
        Refusal(".5", .unexpectedCharacter),
        Refusal("01", .trailingText),
        Refusal("1.", .unexpectedEnd),
        Refusal("1.x", .invalidNumber),
        Refusal("1e", .unexpectedEnd),
        Refusal("1e999", .numberOutOfRange),
        Refusal("-1e999", .numberOutOfRange),
        Refusal("0x10", .trailingText),
        Refusal("'a'", .unexpectedCharacter),
        Refusal("{a: 1}", .unexpectedCharacter),
        Refusal("{\"a\" 1}", .unexpectedCharacter),
        Refusal("{\"a\": 1,}", .unexpectedCharacter),
        Refusal("[1,]", .unexpectedCharacter),
        Refusal("[1 2]", .unexpectedCharacter),
        Refusal("[1] // no", .trailingText),
        Refusal("{\"a\": 1, \"a\": 2}", .duplicateName("a")),
        Refusal("\"a\nb\"", .invalidString),
        Refusal(#""\x""#, .invalidEscape),
        Refusal(#""\u12g4""#, .invalidEscape),
        Refusal(#""\ud83d""#, .invalidEscape),
        Refusal(#""\ud83d\n""#, .invalidEscape),
        Refusal(#""\ude00""#, .invalidEscape),
        Refusal(bytes: [0x22, 0xFF, 0x22], .invalidUTF8),
        Refusal(bytes: [0x22, 0xC0, 0x80, 0x22], .invalidUTF8),
        Refusal(bytes: [0x22, 0xED, 0xA0, 0x80, 0x22], .invalidUTF8),
        Refusal(bytes: [0xEF, 0xBB, 0xBF], .unexpectedEnd),
        // UTF-16.
        Refusal(bytes: [0xFF, 0xFE, 0x31, 0x00], .unexpectedCharacter),
        Refusal(String(repeating: "[", count: 17), .tooDeep(limit: 16)),
        Refusal(String(repeating: "{\"a\":", count: 100_000), .tooDeep(limit: 16)),
    ]

    @Test(arguments: invalid) func refuses(_ row: Refusal) {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(row.bytes) }
        #expect(error?.reason == row.reason)
    }

    @Test func saysWhere() {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(Array("{\n  \"a\": ?\n}".utf8)) }
        #expect(error == JSONError(reason: .unexpectedCharacter, line: 2, column: 8))
    }

    @Test func takesDepthAndSizeUpToTheLimitAndNoFurther() throws {
        let limits = JSONParser.Limits(maximumByteCount: 6, maximumDepth: 3)
        #expect(try JSONParser.parse(Array("[[[]]]".utf8), limits: limits) == [[[]]])
        #expect(throws: JSONError.self) { try JSONParser.parse(Array("[[[]]] ".utf8), limits: limits) }
        #expect(throws: JSONError.self) { try JSONParser.parse(Array("[[[[".utf8), limits: limits) }
    }

    @Test func takesValuesUpToTheLimitAndNoFurther() throws {
        let limits = JSONParser.Limits(maximumByteCount: 99, maximumDepth: 3, maximumValueCount: 4)
        #expect(try JSONParser.parse(Array(#"[[1],{}]"#.utf8), limits: limits) == [[1], [:]])
        let error = #expect(throws: JSONError.self) {
            try JSONParser.parse(Array(#"[[1],{"a":2}]"#.utf8), limits: limits)
        }
        #expect(error?.reason == .tooManyValues(limit: 4))
    }

    @Test(arguments: [
        (0.0, "0.0"), (12.345678, "12.3457"), (0.12345678, "0.1235"), (0.00006254, "6.254e-05"),
        (-0.000325, "-0.000325"),
        (3.2e-13, "3.2e-13"),
    ])
    func millimetresKeepFourDigits(_ value: Double, _ text: String) {
        #expect(JSON.millimetres(value).text() == text)
    }

    @Test func writesWhatJSONCannotHoldAsNull() {
        #expect(JSON.number(.nan).text() == "null")
        #expect(JSON.array([.number(.infinity), 1]).text() == "[null,1]")
    }

    @Test func keepsTheOrderOfMembers() {
        let value: JSON = ["b": 1, "a": [true, nil]]
        #expect(value.text() == #"{"b":1,"a":[true,null]}"#)
        #expect(value.text(pretty: true) == "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null\n  ]\n}")
    }

    @Test func escapesControlCharacters() {
        #expect(JSON.string("\u{1}\u{1F}\"\\\n").text() == #""\u0001\u001f\"\\\n""#)
    }
}
