import Glibc

/// Why a text is no address to listen on.
package enum AddressError: Error, Sendable, Equatable, CustomStringConvertible {
    case noPort(String)
    case badPort(String)
    /// Neither an IPv4 address, an IPv6 address in brackets, nor `localhost`. Names are not looked up: what a name means can
    /// change between two starts.
    case badHost(String)
    case emptyPath
    /// A Unix socket's path has at most `limit` bytes.
    case pathTooLong(String, limit: Int)

    package var description: String {
        switch self {
        case .noPort(let text): "'\(text)' has no port; write host:port, [v6]:port or unix:path"
        case .badPort(let text): "'\(text)' is not a port; ports are 0 to 65535"
        case .badHost(let text):
            "'\(text)' is not an address; write an IPv4 address, an IPv6 address in [brackets], or localhost"
        case .emptyPath: "unix: needs a path"
        case .pathTooLong(let path, let limit): "the socket path '\(path)' is longer than \(limit) bytes"
        }
    }
}

/// Where a socket listens, or whom it talks to.
package enum Address: Sendable, Hashable, CustomStringConvertible {
    /// Host in the usual short form: `127.0.0.1`.
    case ip4(host: String, port: UInt16)
    /// Host in the usual short form, without brackets: `::1`.
    case ip6(host: String, port: UInt16)
    case unix(path: String)

    /// Bytes that a Unix socket's path may have (sockaddr_un, with its final zero, holds one more).
    package static let unixPathLimit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// Reads `host:port`, `[v6]:port` or `unix:path`.
    package init(_ text: String) throws(AddressError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty else { throw .emptyPath }
            guard path.utf8.count <= Self.unixPathLimit, !path.utf8.contains(0) else {
                throw .pathTooLong(path, limit: Self.unixPathLimit)
            }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), text.last != "]" else { throw .noPort(text) }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits) else {
            throw .badPort(String(digits))
        }
        let host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            guard let canonical = Self.canonical(String(host.dropFirst().dropLast()), AF_INET6) else {
                throw .badHost(host)
            }
            self = .ip6(host: canonical, port: port)
        } else {
            // RFC 6761 §6.3 fixes what localhost means.
            guard let canonical = Self.canonical(host == "localhost" ? "127.0.0.1" : host, AF_INET) else {
                throw .badHost(host)
            }
            self = .ip4(host: canonical, port: port)
        }
    }

    package var description: String {
        switch self {
        case .ip4(let host, let port): "\(host):\(port)"
        case .ip6(let host, let port): "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Whether only programs on this machine can reach it.
    package var isLoopback: Bool {
        switch self {
        case .ip4(let host, _): host.hasPrefix("127.")
        case .ip6(let host, _): host == "::1"
        case .unix: true
        }
    }

    /// Another machine, as far as its address tells it from others; nil for this one.
    ///
    /// Of IPv6 the first 64 bits, `2001:db8::/64`: the others are each host's own to choose (RFC 4291 §2.5.1, RFC 8981), and whoever has a line
    /// has at least that many addresses (RFC 6177).
    package var remoteHost: String? {
        guard !isLoopback else { return nil }
        switch self {
        case .unix: return nil
        case .ip4(let host, _): return host
        case .ip6(let host, let port):
            // IPv4 on a socket for both, RFC 4291 §2.5.5.2.
            if host.hasPrefix("::ffff:"), let mapped = Self.canonical(String(host.dropFirst(7)), AF_INET) {
                return Address.ip4(host: mapped, port: port).remoteHost
            }
            return Self.network(host) ?? host
        }
    }

    /// The /64 of an IPv6 address.
    private static func network(_ host: String) -> String? {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 4) { binary -> String? in
            guard inet_pton(AF_INET6, host, binary.baseAddress) == 1 else { return nil }
            for index in 8..<16 { binary[index] = 0 }
            return text(binary.baseAddress, AF_INET6).map { "\($0)/64" }
        }
    }

    /// The address's text in the system's own form; nil when it is none.
    private static func canonical(_ host: String, _ family: CInt) -> String? {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 4) { binary -> String? in
            guard inet_pton(family, host, binary.baseAddress) == 1 else { return nil }
            return text(binary.baseAddress, family)
        }
    }

    private static func text(_ binary: UnsafeRawPointer?, _ family: CInt) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text -> String? in
            guard let base = text.baseAddress, inet_ntop(family, binary, base, socklen_t(text.count)) != nil else {
                return nil
            }
            return String(cString: base)
        }
    }
}

extension Address {
    var family: CInt {
        switch self {
        case .ip4: AF_INET
        case .ip6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Calls `body` with the address as the socket calls take it.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length = withUnsafeMutableBytes(of: &storage) { bytes -> Int in
            switch self {
            case .ip4(let host, let port):
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = port.bigEndian
                inet_pton(AF_INET, host, &address.sin_addr)
                bytes.storeBytes(of: address, as: sockaddr_in.self)
                return MemoryLayout<sockaddr_in>.size
            case .ip6(let host, let port):
                var address = sockaddr_in6()
                address.sin6_family = sa_family_t(AF_INET6)
                address.sin6_port = port.bigEndian
                inet_pton(AF_INET6, host, &address.sin6_addr)
                bytes.storeBytes(of: address, as: sockaddr_in6.self)
                return MemoryLayout<sockaddr_in6>.size
            case .unix(let path):
                precondition(path.utf8.count <= Self.unixPathLimit, "the path of a Unix socket is too long")
                bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
                let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? MemoryLayout<sa_family_t>.size
                for (index, byte) in path.utf8.enumerated() { bytes[offset + index] = byte }
                return offset + path.utf8.count + 1
            }
        }
        return withUnsafeBytes(of: &storage) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { body($0.baseAddress.unsafelyUnwrapped, socklen_t(length)) }
        }
    }

    /// The address that `fill` (getsockname, getpeername) writes; nil for families other than the three.
    init?(filledBy fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { fill($0, &length) }
        }
        guard code == 0 else { return nil }
        let family = CInt(storage.ss_family)
        let found = withUnsafeBytes(of: &storage) { bytes -> Address? in
            switch family {
            case AF_INET:
                var address = bytes.load(as: sockaddr_in.self)
                return Self.text(&address.sin_addr, AF_INET).map {
                    .ip4(host: $0, port: UInt16(bigEndian: address.sin_port))
                }
            case AF_INET6:
                var address = bytes.load(as: sockaddr_in6.self)
                return Self.text(&address.sin6_addr, AF_INET6).map {
                    .ip6(host: $0, port: UInt16(bigEndian: address.sin6_port))
                }
            case AF_UNIX:
                let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
                let path = bytes[min(offset, Int(length))..<Int(length)].prefix { $0 != 0 }
                return .unix(path: String(decoding: path, as: UTF8.self))
            default: return nil
            }
        }
        guard let found else { return nil }
        self = found
    }
}
