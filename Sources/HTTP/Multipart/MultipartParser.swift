import HTTPTypes

/// Where a multipart parser puts what it finds.
package protocol MultipartSink {
    mutating func beginPart(_ head: PartHead) throws
    /// Bytes of the part begun last.
    mutating func append(_ bytes: Span<UInt8>) throws
    mutating func endPart() throws
}

/// Reads multipart/form-data (RFC 7578, RFC 2046 §5.1) from bytes that arrive in any pieces.
///
/// Nothing of a part is held back but what may be the start of a delimiter, and that is not even stored: bytes that match the
/// delimiter so far are known. As a delimiter's CR can only be its first byte, a mismatch can only restart at the current byte.
package struct MultipartParser: Sendable {
    private enum Phase {
        /// In a part's bytes, or before the first part: `matched` bytes of the delimiter are past, of which `borrowed` belong
        /// to what came before (the line end of a head), and must not be given out should the match fail.
        case data(matched: Int, borrowed: Int)
        /// After a delimiter: the rest of its line.
        case delimiterEnd(dashes: Int)
        case delimiterLineFeed
        case head
        /// After the closing delimiter.
        case epilogue
    }

    private let delimiter: [UInt8]  // CR LF "--" boundary
    private let limits: Limits
    private var phase = Phase.data(matched: 2, borrowed: 2)  // the first delimiter needs no line end before it
    private var isInPart = false
    private var partCount = 0
    private var line: [UInt8] = []
    private var headBytes = 0
    private var fields = HTTPFields()

    /// - Parameter mediaType: The request's `multipart/form-data; boundary=...`.
    package init(_ mediaType: MediaType, limits: Limits) throws(MultipartError) {
        guard let boundary = mediaType.parameters["boundary"], (1...70).contains(boundary.utf8.count),
            boundary.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), boundary.utf8.last != 0x20
        else { throw .missingBoundary }
        delimiter = Array("\r\n--\(boundary)".utf8)
        self.limits = limits
    }

    /// Reads all of `input`. Throws `MultipartError`, and whatever the sink throws.
    package mutating func parse(_ input: Span<UInt8>, into sink: inout some MultipartSink) throws {
        var position = 0
        while position < input.count {
            switch phase {
            case .data(let matched, let borrowed):
                position = try data(input, position, matched, borrowed, &sink)
            case .delimiterEnd(let dashes):
                try delimiterEnd(input[position], dashes)
                position += 1
            case .delimiterLineFeed:
                guard input[position] == UInt8(ascii: "\n") else { throw MultipartError.malformedDelimiter }
                position += 1
                try beginHead()
            case .head:
                try head(input[position], &sink)
                position += 1
            case .epilogue:
                position = input.count
            }
        }
    }

    /// The body has ended. Throws unless its closing delimiter was seen.
    package mutating func finish() throws(MultipartError) {
        guard case .epilogue = phase else { throw .truncated }
    }

    /// Reads the bytes of a part up to the next delimiter or the end of `input`, and hands them on in as few runs as there can be:
    /// a body made of line ends must cost no more than any other.
    /// - Returns: The position reached.
    private mutating func data(
        _ input: Span<UInt8>, _ start: Int, _ alreadyMatched: Int, _ borrowed: Int, _ sink: inout some MultipartSink
    ) throws -> Int {
        var position = start
        if alreadyMatched > 0 {
            let matched = match(input, &position, from: alreadyMatched)
            if matched == delimiter.count {
                try endPart(&sink)
                return position
            }
            guard position < input.count else {
                phase = .data(matched: matched, borrowed: borrowed)
                return position
            }
            // No delimiter after all: what matched was data.
            if isInPart, matched > borrowed { try sink.append(delimiter.span.extracting(borrowed..<matched)) }
        }
        let runStart = position
        var runEnd = input.count
        var matched = 0
        while let candidate = input.firstIndex(of: UInt8(ascii: "\r"), from: position) {
            position = candidate
            matched = match(input, &position, from: 0)
            if matched == delimiter.count || position == input.count {
                runEnd = candidate
                break
            }
            matched = 0
        }
        if isInPart, runEnd > runStart { try sink.append(input.extracting(runStart..<runEnd)) }
        if matched == delimiter.count {
            try endPart(&sink)
            return position
        }
        phase = .data(matched: matched, borrowed: 0)
        return input.count
    }

    /// How much of the delimiter is past once the bytes from `position` on are compared with it, the first `count` being past
    /// already.
    private func match(_ input: Span<UInt8>, _ position: inout Int, from count: Int) -> Int {
        var matched = count
        while position < input.count, matched < delimiter.count, input[position] == delimiter[matched] {
            position += 1
            matched += 1
        }
        return matched
    }

    private mutating func endPart(_ sink: inout some MultipartSink) throws {
        phase = .delimiterEnd(dashes: 0)
        guard isInPart else { return }
        isInPart = false
        try sink.endPart()
    }

    private mutating func delimiterEnd(_ byte: UInt8, _ dashes: Int) throws(MultipartError) {
        switch byte {
        case UInt8(ascii: "-") where dashes == 1: phase = .epilogue
        case UInt8(ascii: "-") where dashes == 0: phase = .delimiterEnd(dashes: 1)
        case UInt8(ascii: "\r") where dashes != 1: phase = .delimiterLineFeed
        case _ where byte.isBlank && dashes != 1: phase = .delimiterEnd(dashes: -1)  // transport padding
        default: throw .malformedDelimiter
        }
    }

    private mutating func beginHead() throws(MultipartError) {
        partCount += 1
        guard partCount <= limits.parts else { throw .tooManyParts(limit: limits.parts) }
        phase = .head
        headBytes = 0
        line.removeAll(keepingCapacity: true)
        fields = HTTPFields()
    }

    private mutating func head(_ byte: UInt8, _ sink: inout some MultipartSink) throws {
        headBytes += 1
        guard headBytes <= limits.partHeadBytes else {
            throw MultipartError.partHeadTooLarge(limit: limits.partHeadBytes)
        }
        guard byte == UInt8(ascii: "\n") else {
            line.append(byte)
            return
        }
        guard line.popLast() == UInt8(ascii: "\r") else { throw MultipartError.malformedPartHead }
        if line.isEmpty {
            guard let head = PartHead(fields: fields) else { throw MultipartError.missingName(part: partCount) }
            try sink.beginPart(head)
            isInPart = true
            // A part without bytes: its delimiter's line end is the one just read.
            phase = .data(matched: 2, borrowed: 2)
            return
        }
        guard fields.count < limits.fieldCount else {
            throw MultipartError.partHeadTooLarge(limit: limits.partHeadBytes)
        }
        do { fields.append(try parseFieldLine(line.span)) } catch { throw MultipartError.malformedPartHead }
        line.removeAll(keepingCapacity: true)
    }
}
