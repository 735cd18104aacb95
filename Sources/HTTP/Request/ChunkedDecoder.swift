package import HTTPTypes

/// Takes chunked transfer coding off a body (RFC 9112 §7.1), over any number of pieces.
///
/// Chunk extensions are read past, trailers kept apart from the header fields (RFC 9110 §6.5.1).
package struct ChunkedDecoder: Sendable {
    package enum Event: Sendable, Equatable {
        /// A run of the body: this range of the input just given.
        case data(Range<Int>)
        case end(trailers: HTTPFields)
    }

    private enum Phase {
        case size
        case data(remaining: Int)
        /// The CR LF after a chunk's data; `seen` of its two bytes are past.
        case dataEnd(seen: Int)
        case trailers
        case done
    }

    // A size takes at most 16 digits, so these bound what a client may spend on extensions: per line and per body.
    private static let lineLimit = 1_024
    private static let overheadLimit = 65_536

    private let limits: Limits
    private var phase = Phase.size
    private var lines = LineReader()
    private var bodyCount = 0
    private var extensionBytes = 0
    private var trailers = FieldSectionReader()

    package init(limits: Limits) { self.limits = limits }

    /// The next event in `input` from `position` on, which moves past what was used; nil when more input is needed.
    package mutating func next(_ input: Span<UInt8>, at position: inout Int) throws(RequestError) -> Event? {
        while position < input.count {
            switch phase {
            case .size:
                let size = try lines.next(in: input, at: &position, limit: Self.lineLimit, tooLong: .malformedChunk) {
                    line throws(RequestError) in
                    (value: try Self.chunkSize(line), lineCount: line.count)
                }
                guard let size else { return nil }
                extensionBytes += max(0, size.lineCount - 16)
                guard extensionBytes <= Self.overheadLimit else { throw .malformedChunk }
                guard size.value <= limits.bodyBytes - bodyCount else { throw .bodyTooLarge(limit: limits.bodyBytes) }
                bodyCount += size.value
                phase = size.value == 0 ? .trailers : .data(remaining: size.value)
            case .data(let remaining):
                let count = min(remaining, input.count - position)
                let range = position..<(position + count)
                position += count
                phase = count == remaining ? .dataEnd(seen: 0) : .data(remaining: remaining - count)
                return .data(range)
            case .dataEnd(let seen):
                guard input[position] == (seen == 0 ? UInt8(ascii: "\r") : UInt8(ascii: "\n")) else {
                    throw .malformedChunk
                }
                position += 1
                phase = seen == 0 ? .dataEnd(seen: 1) : .size
            case .trailers:
                guard try trailers.next(input, at: &position, limits) else { return nil }
                phase = .done
                return .end(trailers: trailers.fields)
            case .done:
                return nil
            }
        }
        return nil
    }

    /// `chunk-size [chunk-ext]`; a size that no integer holds is as good as too large.
    private static func chunkSize(_ line: Span<UInt8>) throws(RequestError) -> Int {
        var size = 0
        var index = 0
        while index < line.count, let digit = line[index].hexadecimalValue {
            let (shifted, overflow) = size.multipliedReportingOverflow(by: 16)
            size = overflow ? .max - 15 : shifted
            let (sum, carried) = size.addingReportingOverflow(Int(digit))
            size = carried ? .max - 15 : sum
            index += 1
        }
        guard index > 0, index <= 16 else { throw .malformedChunk }
        while index < line.count, line[index].isBlank { index += 1 }
        if index < line.count {
            guard line[index] == UInt8(ascii: ";"), line.allSatisfy(from: index, \.isFieldValue) else {
                throw .malformedChunk
            }
        }
        return size
    }
}
