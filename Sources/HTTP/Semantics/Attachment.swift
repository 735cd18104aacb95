/// The value of a Content-Disposition field (RFC 6266) that offers a download under a name in any script.
package enum Attachment {
    // Longer names are cut by some file systems at 255 bytes.
    private static let limit = 120

    /// `attachment` with the name twice: in ASCII for old clients, in UTF-8 (RFC 8187) for all others where that differs.
    ///
    /// - Parameters:
    ///   - stem: Free text: slashes, control characters and the like become `_`; the whole is cut to a length that files may have.
    ///   - suffix: ASCII, such as `-v1.safetensors`; kept as it is.
    package static func disposition(stem: String, suffix: String) -> String {
        var clean = ""
        for scalar in stem.unicodeScalars {
            let isUnsafe =
                scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
                || "/\\:*?\"<>|%".unicodeScalars.contains(scalar)
            clean.unicodeScalars.append(isUnsafe ? "_" : scalar)
        }
        while clean.utf8.count > limit { clean.removeLast() }
        // A leading dot would hide the file.
        clean = clean.trimmed { $0 == "." || $0 == " " }
        if clean.isEmpty { clean = "download" }
        let ascii = String(String.UnicodeScalarView(clean.unicodeScalars.map { $0.isASCII ? $0 : "_" }))
        let plain = "attachment; filename=\"\(ascii)\(suffix)\""
        guard ascii != clean else { return plain }
        return plain + "; filename*=UTF-8''\(PercentCoding.encode(clean))\(suffix)"
    }
}

extension String {
    fileprivate func trimmed(_ isDropped: (Character) -> Bool) -> String {
        var text = Substring(self)
        while let first = text.first, isDropped(first) { text.removeFirst() }
        while let last = text.last, isDropped(last) { text.removeLast() }
        return String(text)
    }
}
