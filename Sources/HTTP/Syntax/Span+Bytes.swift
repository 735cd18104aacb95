import Glibc

extension Span<UInt8> {
    /// The position of the first `byte` at or after `start`.
    func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        guard start < count else { return nil }
        return withUnsafeBufferPointer { bytes -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            guard let found = memchr(base + start, CInt(byte), bytes.count - start) else { return nil }
            return UnsafeRawPointer(found) - UnsafeRawPointer(base)
        }
    }

    /// Whether `bytes` stand at `start`.
    func hasPrefix(_ bytes: [UInt8], at start: Int) -> Bool {
        guard bytes.count <= count - start else { return false }
        return withUnsafeBufferPointer { input in
            bytes.withUnsafeBufferPointer { bytes in
                guard let found = input.baseAddress, let sought = bytes.baseAddress else { return bytes.isEmpty }
                return memcmp(found + start, sought, bytes.count) == 0
            }
        }
    }

    /// Whether every byte from `start` on satisfies the predicate.
    func allSatisfy(from start: Int = 0, _ predicate: (UInt8) -> Bool) -> Bool {
        var index = start
        while index < count {
            guard predicate(self[index]) else { return false }
            index += 1
        }
        return true
    }

    /// The bytes of `range` as text; invalid UTF-8 becomes U+FFFD.
    func text(_ range: Range<Int>) -> String {
        withUnsafeBufferPointer { String(decoding: $0[range], as: UTF8.self) }
    }

    var text: String { text(0..<count) }
}

extension [UInt8] {
    /// Appends `range` of `bytes`.
    package mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        bytes.withUnsafeBufferPointer { append(contentsOf: $0[range]) }
    }
}

/// `text` with A to Z in lower case, by which tokens are compared. `lowercased()` goes by Unicode, where the KELVIN SIGN (U+212A) becomes a `k`:
/// other servers would not find `chunked` where we did.
func asciiLowercased(_ text: String) -> String {
    String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
}

/// Splits a comma-separated list field (RFC 9110 §5.6.1): trimmed, empty elements dropped. Quoted strings are not known here.
func listElements(_ value: String) -> [String] {
    value.split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
}

/// `text` without blanks at both ends.
func trimmed(_ text: Substring) -> String {
    var bytes = text.utf8
    while let first = bytes.first, first.isBlank { bytes.removeFirst() }
    while let last = bytes.last, last.isBlank { bytes.removeLast() }
    return String(Substring(bytes))
}
