import Foundation

/// Pieces of HTML.
enum Markup {
    /// `text` as it may stand between tags and in quoted attributes.
    static func escaped(_ text: some StringProtocol) -> String {
        // By scalars: a character may be one of these with another scalar in front of it.
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;".unicodeScalars
            case "<": escaped += "&lt;".unicodeScalars
            case ">": escaped += "&gt;".unicodeScalars
            case "\"": escaped += "&quot;".unicodeScalars
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }

    /// A table; its cells are HTML already. The first column holds names, the others numbers.
    static func table(_ header: [String], _ rows: [[String]]) -> String {
        let head = header.map { "<th>\($0)</th>" }.joined()
        let body = rows.map { row in
            let cells = row.enumerated().map { $0 == 0 ? "<th scope=\"row\">\($1)</th>" : "<td>\($1)</td>" }
            return "<tr>\(cells.joined())</tr>"
        }
        return """
            <div class="scroll"><table><thead><tr>\(head)</tr></thead>
            <tbody>
            \(body.joined(separator: "\n"))
            </tbody></table></div>
            """
    }

    static func section(_ title: String, _ text: String, _ body: String) -> String {
        let note = text.isEmpty ? "" : "<p class=\"note\">\(text)</p>"
        return "<section><h2>\(escaped(title))</h2>\(note)\n\(body)\n</section>"
    }
}

/// Numbers as a reader of a table wants them.
enum Number {
    /// A share in per cent with one place: 0.7834 is 78.3.
    static func percent(_ value: Double?) -> String { value.map { String(format: "%.1f", 100 * $0) } ?? "–" }

    static func plain(_ value: Double?, places: Int = 1) -> String {
        value.map { String(format: "%.\(places)f", $0) } ?? "–"
    }

    /// A mean with its interval below.
    static func percent(_ estimate: Estimate?, signed: Bool = false) -> String {
        guard let estimate else { return "–" }
        let sign = signed && estimate.mean >= 0 ? "+" : ""
        guard let low = estimate.low, let high = estimate.high else { return sign + percent(estimate.mean) }
        let from = signed && low >= 0 ? "+" : ""
        let to = signed && high >= 0 ? "+" : ""
        return "\(sign)\(percent(estimate.mean)) <small>\(from)\(percent(low)) to \(to)\(percent(high))</small>"
    }

    static func distance(_ estimate: Estimate?) -> String {
        guard let estimate else { return "–" }
        guard let low = estimate.low, let high = estimate.high else { return plain(estimate.mean) }
        return "\(plain(estimate.mean)) <small>\(plain(low)) to \(plain(high))</small>"
    }
}
