package import HTTPTypes

/// Reads HTTP/1.1 requests from bytes that arrive in any pieces (RFC 9112), one after the other.
///
/// It does no I/O and knows no time. After an error it must be thrown away, with its connection.
package struct RequestParser: Sendable {
    package enum Event: Sendable, Equatable {
        case head(RequestHead)
        /// A run of the body, transfer coding taken off: this range of the input just given.
        case body(Range<Int>)
        /// The request is complete; the parser is ready for the next one.
        case end(trailers: HTTPFields)
    }

    private struct RequestLine {
        let method: HTTPRequest.Method
        let target: RequestTarget
        let version: HTTPVersion
    }

    private enum Phase {
        case requestLine
        case fields(RequestLine)
        case fixed(remaining: Int)
        case chunked
    }

    // RFC 9112 §2.2 asks to ignore at least one empty line before a request line; some old clients send one after a POST.
    private static let emptyLineLimit = 4
    private static let methodLimit = 32
    // A longer head is not kept to be known again.
    private static let knownLimit = 1_024

    private let limits: Limits
    private var phase = Phase.requestLine
    private var lines = LineReader()
    private var emptyLines = 0
    private var section = FieldSectionReader()
    private var chunks: ChunkedDecoder
    /// The last head that came in one piece, up to its empty line, and what it says. Whoever asks for the same again sends the same bytes.
    private var known: (bytes: [UInt8], head: RequestHead)?

    package init(limits: Limits) {
        self.limits = limits
        chunks = ChunkedDecoder(limits: limits)
    }

    /// Whether nothing of a request has been seen since the last one ended.
    package var isBetweenRequests: Bool {
        if case .requestLine = phase { lines.heldCount == 0 } else { false }
    }

    /// The method of a request whose line was read, but not yet its fields.
    package var pendingMethod: HTTPRequest.Method? { if case .fields(let line) = phase { line.method } else { nil } }

    /// Whether the end of a body comes next, for which no more input is needed.
    package var isBodyComplete: Bool {
        if case .fixed(remaining: 0) = phase { true } else { false }
    }

    /// The next event in `input` from `position` on, which moves past what was used; nil when more input is needed.
    package mutating func next(_ input: Span<UInt8>, at position: inout Int) throws(RequestError) -> Event? {
        // Where in this input a head began; nil when that was in an earlier one.
        var start: Int?
        while true {
            switch phase {
            case .requestLine:
                if let head = knownHead(input, at: &position) { return .head(begin(head)) }
                guard let line = try requestLine(input, at: &position, &start) else { return nil }
                phase = .fields(line)
                section = FieldSectionReader()
            case .fields(let line):
                guard try section.next(input, at: &position, limits) else { return nil }
                let head = try RequestHead(
                    method: line.method, target: line.target, version: line.version, fields: section.fields,
                    limits: limits)
                if let start { remember(head, input, start..<position) }
                return .head(begin(head))
            case .fixed(0):
                phase = .requestLine
                return .end(trailers: [:])
            case .fixed(let remaining):
                let count = min(remaining, input.count - position)
                guard count > 0 else { return nil }
                let range = position..<(position + count)
                position += count
                phase = .fixed(remaining: remaining - count)
                return .body(range)
            case .chunked:
                switch try chunks.next(input, at: &position) {
                case .data(let range): return .body(range)
                case .end(let trailers):
                    phase = .requestLine
                    return .end(trailers: trailers)
                case nil: return nil
                }
            }
        }
    }

    /// What follows the head is its body.
    private mutating func begin(_ head: RequestHead) -> RequestHead {
        emptyLines = 0
        switch head.framing {
        case .none: phase = .fixed(remaining: 0)
        case .length(let count): phase = .fixed(remaining: count)
        case .chunked:
            phase = .chunked
            chunks = ChunkedDecoder(limits: limits)
        }
        return head
    }

    /// The head that begins here, if it is the last one byte for byte: reading it again would come to the same.
    private func knownHead(_ input: Span<UInt8>, at position: inout Int) -> RequestHead? {
        guard let known, lines.heldCount == 0, input.hasPrefix(known.bytes, at: position) else { return nil }
        position += known.bytes.count
        return known.head
    }

    private mutating func remember(_ head: RequestHead, _ input: Span<UInt8>, _ range: Range<Int>) {
        guard range.count <= Self.knownLimit else { return }
        var bytes: [UInt8] = []
        bytes.append(input, range)
        known = (bytes, head)
    }

    private mutating func requestLine(
        _ input: Span<UInt8>, at position: inout Int, _ start: inout Int?
    ) throws(RequestError) -> RequestLine? {
        while position < input.count {
            start = lines.heldCount == 0 ? position : nil
            // Seen at once, so that a TLS hello or a stray binary protocol is not waited for.
            let first = lines.firstHeld ?? input[position]
            guard first.isToken || first == UInt8(ascii: "\r") else { throw .malformedRequestLine }
            let limits = limits
            // Method, target, "HTTP/1.1", two spaces and CR.
            let longest = Self.methodLimit + limits.targetBytes + 11
            let tooLong = RequestError.targetTooLong(limit: limits.targetBytes)
            let line = try lines.next(in: input, at: &position, limit: longest, tooLong: tooLong) {
                line throws(RequestError) -> RequestLine? in
                line.isEmpty ? .none : try Self.parseRequestLine(line, limits)
            }
            guard let line else { return nil }
            if let line { return line }
            emptyLines += 1
            guard emptyLines <= Self.emptyLineLimit else { throw .malformedRequestLine }
        }
        return nil
    }

    private static func parseRequestLine(_ line: Span<UInt8>, _ limits: Limits) throws(RequestError) -> RequestLine {
        guard let first = line.firstIndex(of: UInt8(ascii: " ")),
            let second = line.firstIndex(of: UInt8(ascii: " "), from: first + 1),
            first <= methodLimit, let method = HTTPRequest.Method(line.text(0..<first))
        else { throw .malformedRequestLine }
        let version = try HTTPVersion(line.extracting((second + 1)..<line.count))
        guard second - first - 1 <= limits.targetBytes else { throw .targetTooLong(limit: limits.targetBytes) }
        let target = try RequestTarget(line.extracting((first + 1)..<second), method: method)
        return RequestLine(method: method, target: target, version: version)
    }
}
