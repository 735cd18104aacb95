import HTTPTypes

/// Reads one `field-name ":" OWS field-value OWS` (RFC 9112 §5), the line end already taken off.
func parseFieldLine(_ line: Span<UInt8>) throws(RequestError) -> HTTPField {
    guard !line.isEmpty else { throw .malformedFieldLine }
    guard !line[0].isBlank else { throw .foldedField }
    // White space before the colon is refused, not trimmed: RFC 9112 §5.1.
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
        let name = HTTPField.Name(line.text(0..<colon))
    else { throw .malformedFieldLine }
    var start = colon + 1
    var end = line.count
    while start < end, line[start].isBlank { start += 1 }
    while end > start, line[end - 1].isBlank { end -= 1 }
    let value = line.extracting(start..<end)
    guard value.allSatisfy(\.isFieldValue) else {
        throw value.firstIndex(of: UInt8(ascii: "\r")) == nil ? .malformedFieldLine : .bareLineEnd
    }
    return value.withUnsafeBufferPointer { HTTPField(name: name, value: $0) }
}
