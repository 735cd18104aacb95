/// Accept-Encoding (RFC 9110 §12.5.3), as far as one coding goes.
package enum AcceptEncoding {
    /// Whether the client takes gzip, and does not like the plain form better.
    package static func prefersGzip(_ header: String?) -> Bool {
        guard let header else { return false }
        var (gzip, any, identity): (Int?, Int?, Int?) = (nil, nil, nil)
        for element in listElements(header.lowercased()) {
            var parts = element.split(separator: ";").map { trimmed($0) }
            guard !parts.isEmpty else { continue }
            let name = parts.removeFirst()
            var quality = 1_000
            if let weight = parts.first(where: { $0.hasPrefix("q=") }) {
                guard let read = Accept.quality(String(weight.dropFirst(2))) else { continue }
                quality = read
            }
            switch name {
            case "gzip", "x-gzip": gzip = quality
            case "*": any = quality
            case "identity": identity = quality
            default: break
            }
        }
        let wanted = gzip ?? any ?? 0
        return wanted > 0 && wanted >= identity ?? 0
    }
}
