package import HTTPTypes

/// Keeps pages of other sites, open in a browser that can reach this server, from using it.
///
/// A browser lets any page send a form to any address, and a name that its owner points to 127.0.0.1 makes a page of that name look
/// like one of ours. Programs such as curl send none of the fields that are judged here.
package enum CrossOrigin {
    /// - Parameter acceptsAnyHost: With tokens, another site's page has nothing to show, and the server may be known by any name.
    package static func check(_ head: HTTPRequest, acceptsAnyHost: Bool) throws(Problem) {
        if head.method != .get, head.method != .head, let origin = head.headerFields[.origin] {
            // "null" is a sandboxed page or a file on disk.
            let authority = origin.split(separator: "/").dropFirst().first.map(String.init) ?? ""
            guard authority.lowercased() == head.authority?.lowercased() else {
                throw Problem(
                    .forbidden, "the page that sends this is of \(Quoted(origin)), not of this server", field: "Origin",
                    hint: "open the server's own page, or call it from a program")
            }
        }
        guard !acceptsAnyHost, let authority = head.authority, !isNumericOrLocal(authority) else { return }
        guard head.headerFields[.origin] != nil || head.headerFields[.secFetchSite] != nil else { return }
        throw Problem(
            .forbidden,
            "a browser asks for \(Quoted(authority)), and this server has no tokens to tell friend from foe",
            field: "Host", hint: "open it by its number or as localhost, or make tokens with gmiseg token create")
    }

    /// Whether `host[:port]` is an address in digits or localhost: what no stranger's name can be.
    private static func isNumericOrLocal(_ authority: String) -> Bool {
        if authority.hasPrefix("[") { return true }
        let host = authority.prefix { $0 != ":" }.lowercased()
        return host == "localhost" || host.hasSuffix(".localhost") || host.isEmpty
            || host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

extension HTTPField.Name {
    // Sent by every browser of today (W3C Fetch Metadata), by hardly anything else.
    fileprivate static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
