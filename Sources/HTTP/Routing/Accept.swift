/// Content negotiation by Accept (RFC 9110 §12.5.1).
package enum Accept {
    private struct Range {
        let mediaType: MediaType
        /// Thousandths, 0...1000; 0 means "not this one".
        let quality: Int

        /// How exactly the range names `offer`: 3 with parameters, 2 by type, 1 `type/*`, 0 `*/*`; nil when it does not.
        func precision(for offer: MediaType) -> Int? {
            if mediaType.type == "*" { return mediaType.subtype == "*" ? 0 : nil }
            guard mediaType.type == offer.type else { return nil }
            if mediaType.subtype == "*" { return 1 }
            guard mediaType.subtype == offer.subtype else { return nil }
            if mediaType.parameters.isEmpty { return 2 }
            return mediaType.parameters.allSatisfy { offer.parameters[$0.key] == $0.value } ? 3 : nil
        }
    }

    // A header with more elements than this is a curiosity; what follows is not looked at.
    private static let rangeLimit = 64

    /// The best of `offers`, which stand in the server's order of preference.
    ///
    /// - Parameter header: The Accept field's value; nil or empty accepts anything. Elements that cannot be read are ignored.
    /// - Returns: Nil when the client accepts none of them.
    package static func preferred(_ header: String?, among offers: [MediaType]) -> MediaType? {
        guard let header, !header.allSatisfy(\.isWhitespace) else { return offers.first }
        let ranges = elements(header).prefix(rangeLimit).compactMap(range)
        guard !ranges.isEmpty else { return offers.first }
        var best: (offer: MediaType, quality: Int)?
        for offer in offers {
            var chosen: (precision: Int, quality: Int)?
            for range in ranges {
                guard let precision = range.precision(for: offer) else { continue }
                if precision > (chosen?.precision ?? -1) { chosen = (precision, range.quality) }
            }
            guard let quality = chosen?.quality, quality > (best?.quality ?? 0) else { continue }
            best = (offer, quality)
        }
        return best?.offer
    }

    private static func range(_ element: Substring) -> Range? {
        guard let mediaType = MediaType(element) else { return nil }
        var parameters = mediaType.parameters
        let weight = parameters.removeValue(forKey: "q")
        guard let quality = weight.map(quality) ?? 1_000 else { return nil }
        return Range(mediaType: MediaType(mediaType.type, mediaType.subtype, parameters), quality: quality)
    }

    /// `qvalue`, RFC 9110 §12.4.2, in thousandths.
    static func quality(_ text: String) -> Int? {
        let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves[0] == "0" || halves[0] == "1" else { return nil }
        let digits = halves.count > 1 ? String(halves[1]) : ""
        guard digits.utf8.count <= 3, digits.utf8.allSatisfy(\.isDigit) else { return nil }
        let thousandths = Int(digits + String(repeating: "0", count: 3 - digits.utf8.count)) ?? 0
        guard halves[0] == "1" else { return thousandths }
        return thousandths == 0 ? 1_000 : nil
    }

    /// Splits at commas outside quoted strings.
    private static func elements(_ header: String) -> [Substring] {
        var elements: [Substring] = []
        var start = header.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in header.indices {
            let character = header[index]
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = isQuoted
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == ",", !isQuoted {
                elements.append(header[start..<index])
                start = header.index(after: index)
            }
        }
        elements.append(header[start...])
        return elements
    }
}
