extension String {
    /// This text as a field of a CSV table: in quotes where it holds a comma, a quote or a line end (RFC 4180 §2).
    ///
    /// Judged by Unicode scalars: to Swift CR LF is one character, and so is a quote with an accent on it.
    package var csvField: String {
        guard unicodeScalars.contains(where: { [",", "\"", "\r", "\n"].contains($0) }) else { return self }
        var quoted = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in unicodeScalars {
            if scalar == "\"" { quoted.append(scalar) }
            quoted.append(scalar)
        }
        quoted.append("\"")
        return String(quoted)
    }
}
