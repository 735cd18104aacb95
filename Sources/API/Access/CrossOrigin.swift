package import HTTPTypes

/// Keeps pages of other sites, open in a browser that can reach this server, from using it.
///
/// A browser lets any page send a form to any address, and a name that its owner points to 127.0.0.1 (DNS rebinding) makes a page of
/// that name look like one of ours. What such a page reads over plain HTTP cannot be told from a program's request: it has no Origin,
/// and browsers send Sec-Fetch-Site to trustworthy addresses alone (W3C Fetch Metadata). So without tokens names are not answered.
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
        throw Problem(
            .forbidden,
            "the server is called \(Quoted(authority)), and without tokens it answers to localhost and numbers alone, as a page "
                + "of another site may have pointed a name of its own here",
            field: "Host",
            hint: "call it localhost or by its number (behind a proxy too), or make tokens with gmiseg token create")
    }

    /// Whether `host[:port]` is an address in digits or localhost: what no stranger's name can be.
    private static func isNumericOrLocal(_ authority: String) -> Bool {
        if authority.hasPrefix("[") { return true }
        let host = authority.prefix { $0 != ":" }.lowercased()
        return host == "localhost" || host.hasSuffix(".localhost") || host.isEmpty
            || host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
