package import HTTPTypes

/// What of a representation a request asks for (RFC 9110 §14).
package enum ByteRange: Sendable, Equatable {
    /// All of it, 200.
    case whole
    /// These bytes, 206.
    case part(Range<Int>)
    /// None of it: 416.
    case unsatisfiable

    /// Reads Range and If-Range.
    ///
    /// One range is served. Several, another unit, or what cannot be read give the whole, as RFC 9110 §14.2 allows: a client
    /// that asks for many small pieces gets no more work out of the server than one that asks for all.
    ///
    /// - Parameter size: Bytes of the whole.
    package static func requested(
        _ method: HTTPRequest.Method, _ fields: HTTPFields, _ current: Validators, size: Int
    ) -> ByteRange {
        guard method == .get, let header = fields[.range] else { return .whole }
        if let condition = fields[.ifRange], !holds(condition, current) { return .whole }
        return parse(header, size: size)
    }

    /// If-Range (RFC 9110 §13.1.5): only a strong tag, or exactly the date that was sent, says that the rest still fits.
    private static func holds(_ condition: String, _ current: Validators) -> Bool {
        if let tag = EntityTag(parsing: condition) { return tag.stronglyMatches(current.tag) }
        guard let date = HTTPDate.parse(condition), let modified = current.modified else { return false }
        return date == modified
    }

    /// `bytes=first-last`, `bytes=first-` or `bytes=-suffix`.
    static func parse(_ header: String, size: Int) -> ByteRange {
        let halves = header.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, trimmed(halves[0]).lowercased() == "bytes" else { return .whole }
        let ends = trimmed(halves[1]).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2, ends.allSatisfy({ $0.utf8.allSatisfy(\.isDigit) }) else { return .whole }
        let (first, last) = (ends[0].isEmpty ? nil : number(ends[0]), ends[1].isEmpty ? nil : number(ends[1]))
        switch (first, last) {
        case (nil, nil): return .whole
        case (nil, let suffix?):
            return suffix == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - suffix)..<size)
        case (let first?, let last):
            if let last, last < first { return .whole }
            guard first < size else { return .unsatisfiable }
            return .part(first..<min(last.map { $0 == .max ? $0 : $0 + 1 } ?? size, size))
        }
    }

    /// Digits only, by the caller's word; beyond an integer is beyond every file.
    private static func number(_ digits: Substring) -> Int { Int(digits) ?? .max }

    /// The value of Content-Range for a part of `size` bytes.
    package static func contentRange(_ range: Range<Int>, of size: Int) -> String {
        "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
    }
}
