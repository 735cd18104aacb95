/// Finds the patient in a stem.
package struct PatientPattern {
    private let pattern: Regex<AnyRegexOutput>?

    /// - Parameter text: A regular expression that `isValid`; nil makes every stem its own patient.
    package init(_ text: String?) { pattern = text.flatMap { try? Regex($0) } }

    /// Whether `text` is a regular expression with at least one group.
    package static func isValid(_ text: String) -> Bool {
        guard (try? Regex(text)) != nil else { return false }
        // Groups show in the output of any match, so in that of the pattern made optional.
        guard let optional = try? Regex("(?:\(text))?"), let match = "".firstMatch(of: optional) else { return false }
        return match.output.count > 1
    }

    package func patient(of stem: String) -> String {
        guard let match = pattern.flatMap({ stem.firstMatch(of: $0) }), match.output.count > 1,
            let group = match.output[1].substring
        else { return stem }
        return String(group)
    }
}
