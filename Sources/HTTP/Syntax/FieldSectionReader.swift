import HTTPTypes

/// Gathers field lines up to the empty line that ends them: a header or trailer section.
struct FieldSectionReader: Sendable {
    private(set) var fields = HTTPFields()
    private var lines = LineReader()
    private var byteCount = 0

    /// Whether the section is complete; `position` moves past what was used.
    mutating func next(_ input: Span<UInt8>, at position: inout Int, _ limits: Limits) throws(RequestError) -> Bool {
        while position < input.count {
            let tooLarge = RequestError.headTooLarge(limit: limits.headBytes)
            // Less one for the LF, which the line reader does not count.
            let room = limits.headBytes - byteCount - 1
            let line = try lines.next(in: input, at: &position, limit: room, tooLong: tooLarge) {
                line throws(RequestError) -> (field: HTTPField?, count: Int) in
                (line.isEmpty ? nil : try parseFieldLine(line), line.count)
            }
            guard let line else { return false }
            guard let field = line.field else { return true }
            byteCount += line.count + 2
            guard fields.count < limits.fieldCount else { throw .tooManyFields(limit: limits.fieldCount) }
            fields.append(field)
        }
        return false
    }
}
