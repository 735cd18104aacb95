/// Cuts input into lines that end in CR LF, over any number of pieces.
///
/// A line that lies within one piece is handed on where it is; only a line that spans pieces is copied.
struct LineReader: Sendable {
    private var partial: [UInt8] = []

    /// Bytes of an unfinished line held so far.
    var heldCount: Int { partial.count }
    var firstHeld: UInt8? { partial.first }

    /// Hands the next whole line, without its line end, to `body` and moves `position` past it; nil when the input ends
    /// first, all of it then being held. A line of more than `limit` bytes, its CR among them, throws `tooLong`, and does so
    /// before anything else that is wrong with it: the outcome never depends on how the input was cut.
    mutating func next<Result>(
        in input: Span<UInt8>, at position: inout Int, limit: Int, tooLong: RequestError,
        _ body: (Span<UInt8>) throws(RequestError) -> Result
    ) throws(RequestError) -> Result? {
        guard let end = input.firstIndex(of: UInt8(ascii: "\n"), from: position) else {
            partial.append(input, position..<input.count)
            position = input.count
            guard partial.count <= limit else { throw tooLong }
            return nil
        }
        guard partial.count + end - position <= limit else { throw tooLong }
        let start = position
        position = end + 1
        if partial.isEmpty {
            guard end > start, input[end - 1] == UInt8(ascii: "\r") else { throw .bareLineEnd }
            return try body(input.extracting(start..<(end - 1)))
        }
        partial.append(input, start..<end)
        guard partial.last == UInt8(ascii: "\r") else { throw .bareLineEnd }
        let line = partial
        partial.removeAll(keepingCapacity: true)
        return try body(line.span.extracting(0..<(line.count - 1)))
    }
}
