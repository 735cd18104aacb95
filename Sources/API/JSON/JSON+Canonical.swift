extension JSON {
    /// The value with whole numbers as integers: 8, never 8.0.
    ///
    /// JavaScript, Go and some versions of jq write every whole number without a fraction (as RFC 8785 §3.2.2.3 has it), so that a text which
    /// is to be hashed must not depend on one.
    package var canonical: JSON {
        switch self {
        case .number(let value): Int(exactly: value).map(JSON.integer) ?? self
        case .array(let elements): .array(elements.map(\.canonical))
        case .object(let members): .object(members.map { Member($0.name, $0.value.canonical) })
        case .null, .bool, .integer, .string: self
        }
    }
}
