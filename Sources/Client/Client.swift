import Basics
import Glibc

/// Why a request got no answer.
package enum ClientError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidAddress(String)
    case unresolvable(host: String, reason: String)
    case connection(address: String, call: String, errno: CInt)
    case closedEarly
    /// Nothing came, or nothing was taken, for as long as the client waits.
    case silent(address: String)
    case malformedAnswer(String)
    case encryption(address: String, reason: String)
    case file(path: String, errno: CInt)

    /// Whether the same may succeed a little later: the server is away, or ended in the middle.
    package var isPassing: Bool {
        switch self {
        case .connection, .closedEarly, .silent: true
        case .invalidAddress, .unresolvable, .malformedAnswer, .encryption, .file: false
        }
    }

    package var description: String {
        switch self {
        case .invalidAddress(let text): "\"\(text)\" is no server address; write http://host:port or unix:/path"
        case .unresolvable(let host, let reason): "the host \(host) is unknown: \(reason)"
        case .connection(let address, let call, let errno):
            "no connection to \(address): \(call): \(String(cString: strerror(errno)))"
        case .closedEarly: "the server closed the connection before its answer was complete"
        case .silent(let address):
            "the server at \(address) has gone silent: see whether it still runs and can be reached, then try again"
        case .encryption(let address, let reason): "no trusted connection to \(address): \(reason)"
        case .malformedAnswer(let reason): "the server's answer is not HTTP: \(reason)"
        case .file(let path, let errno): "\(path): \(String(cString: strerror(errno)))"
        }
    }
}

/// Where a server listens.
package enum ServerAddress: Sendable, Equatable, CustomStringConvertible {
    case tcp(host: String, port: UInt16, isEncrypted: Bool = false)
    case unix(path: String)

    /// `https://gmiseg.example:8443`, `http://127.0.0.1:8080`, `127.0.0.1:8080`, `http://[::1]:8080` or `unix:/run/gmiseg.sock`.
    package init(_ text: String) throws(ClientError) {
        if text.hasPrefix("unix:") {
            self = .unix(path: String(text.dropFirst(5)))
            return
        }
        var rest = text[...]
        let isEncrypted = rest.hasPrefix("https://")
        if isEncrypted { rest = rest.dropFirst(8) } else if rest.hasPrefix("http://") { rest = rest.dropFirst(7) }
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]) else {
            throw .invalidAddress(text)
        }
        var host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { throw .invalidAddress(text) }
        self = .tcp(host: String(host), port: port, isEncrypted: isEncrypted)
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port, _): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// A blocking HTTP/1.1 client, one connection for each request: all that a command line and a test need.
package struct Client: Sendable {
    package let address: ServerAddress
    /// Sent as a bearer token (RFC 6750) with every request.
    package var token: String?
    /// Files for encrypted connections.
    package var trust = ClientTrust()
    /// How long a server may be silent: twice the longest `?wait=`. One that has vanished is noticed within two minutes.
    package var patienceSeconds = 1_200

    package init(_ address: ServerAddress) { self.address = address }

    package init(_ text: String) throws(ClientError) { address = try ServerAddress(text) }

    /// Sends one request and reads its whole answer.
    package func send(_ request: ClientRequest) throws(ClientError) -> ClientResponse {
        let socket = try ClientSocket(address, trust, patienceSeconds: patienceSeconds)
        try socket.write(Array(request.head(host: address.description, token: token).utf8))
        // A server that refuses an upload may answer and close before it has read it all: its answer counts, not our
        // broken pipe.
        var failure: ClientError?
        do {
            for piece in request.body { try piece.write(to: socket) }
        } catch {
            if case .file = error { throw error }
            failure = error
        }
        do {
            return try ResponseReader.read(socket, isHead: request.method == "HEAD")
        } catch {
            throw failure ?? error
        }
    }

    package func get(_ path: String, headers: [(String, String)] = []) throws(ClientError) -> ClientResponse {
        try send(ClientRequest("GET", path, headers: headers))
    }

    package func delete(_ path: String) throws(ClientError) -> ClientResponse {
        try send(ClientRequest("DELETE", path))
    }

    package func post(
        _ path: String, form: [FormPart], headers: [(String, String)] = []
    ) throws(ClientError) -> ClientResponse {
        try send(ClientRequest("POST", path, form: form, headers: headers))
    }

    /// Sends bytes as they are and reads until the server closes: for requests that no client should make.
    package func exchange(raw bytes: [UInt8]) throws(ClientError) -> ClientResponse {
        let socket = try ClientSocket(address, trust, patienceSeconds: patienceSeconds)
        try socket.write(bytes)
        return try ResponseReader.read(socket, isHead: false)
    }
}
