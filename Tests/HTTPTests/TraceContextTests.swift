import HTTP
import Testing

@Suite struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test func readsWhatTheStandardGives() {
        let context = TraceContext("00-\(Self.trace)-\(Self.span)-01")
        #expect(context?.traceID == Self.trace && context?.parentID == Self.span && context?.flags == "01")
        #expect(context?.answer(span: "1234567890abcdef") == "00-\(Self.trace)-1234567890abcdef-01")
        // A later version may have more to say behind it.
        #expect(TraceContext("01-\(Self.trace)-\(Self.span)-00-more") != nil)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-01-more",
        "ff-\(trace)-\(span)-01", "00-\(trace.uppercased())-\(span)-01", "0-\(trace)-\(span)-01",
        "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
        "00-\(trace)x-\(span)-01", "00 \(trace) \(span) 01", "00-\(trace)-\(span)-0\r\n",
    ])
    func ignoresOtherTexts(_ text: String) { #expect(TraceContext(text) == nil) }
}
