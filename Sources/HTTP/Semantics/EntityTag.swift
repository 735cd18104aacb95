/// An entity tag (RFC 9110 §8.8.3): opaque text that changes whenever the representation does.
package struct EntityTag: Sendable, Hashable, CustomStringConvertible {
    /// Between the quotes.
    package let opaque: String
    package let isWeak: Bool

    /// - Parameter opaque: Visible characters but the quote.
    package init(_ opaque: String, isWeak: Bool = false) {
        self.opaque = opaque
        self.isWeak = isWeak
    }

    /// As a header has it: `"abc"` or `W/"abc"`.
    package init?(parsing text: some StringProtocol) {
        var bytes = Substring(text).utf8
        isWeak = bytes.starts(with: "W/".utf8)
        if isWeak { bytes.removeFirst(2) }
        guard bytes.count >= 2, bytes.first == UInt8(ascii: "\""), bytes.last == UInt8(ascii: "\"") else { return nil }
        let inner = bytes.dropFirst().dropLast()
        guard inner.allSatisfy({ $0 == 0x21 || ($0 >= 0x23 && $0 != 0x7F) }) else { return nil }
        opaque = String(Substring(inner))
    }

    package var description: String { (isWeak ? "W/" : "") + "\"\(opaque)\"" }

    /// The tag of the same content in another coding, which is another representation (RFC 9110 §8.8.3.3).
    package func coded(_ coding: String) -> EntityTag { EntityTag("\(opaque)-\(coding)", isWeak: isWeak) }

    /// Both strong, and alike: byte for byte the same (RFC 9110 §8.8.3.2).
    package func stronglyMatches(_ other: EntityTag) -> Bool { self == other && !isWeak }

    /// Alike, whether weak or strong.
    package func weaklyMatches(_ other: EntityTag) -> Bool { opaque == other.opaque }
}

/// The value of If-Match or If-None-Match: any representation, or those listed.
package enum EntityTagList: Sendable, Equatable {
    case any
    case tags([EntityTag])

    /// What cannot be read as a tag is left out: it matches nothing.
    package init(_ header: String) {
        if trimmed(header[...]) == "*" {
            self = .any
            return
        }
        // Commas may stand within a tag's quotes.
        var tags: [EntityTag] = []
        var current = ""
        var isQuoted = false
        for character in header.unicodeScalars {
            if character == ",", !isQuoted {
                if let tag = EntityTag(parsing: trimmed(current[...])) { tags.append(tag) }
                current = ""
            } else {
                if character == "\"" { isQuoted.toggle() }
                current.unicodeScalars.append(character)
            }
        }
        if let tag = EntityTag(parsing: trimmed(current[...])) { tags.append(tag) }
        self = .tags(tags)
    }

    func contains(where matches: (EntityTag) -> Bool) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains(where: matches)
        }
    }
}
