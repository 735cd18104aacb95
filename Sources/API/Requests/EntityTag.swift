/// Conditional requests (RFC 9110 §13.1.2).
enum EntityTag {
    /// Whether an If-None-Match header names `tag`, so that 304 will do. Weak and strong tags compare alike here (§8.8.3.2).
    static func matches(_ tag: String, ifNoneMatch header: String?) -> Bool {
        guard let header else { return false }
        return header.split(separator: ",").contains { candidate in
            let text = candidate.trimmingWhitespace
            return text == "*" || text == tag || text == "W/\(tag)"
        }
    }
}
