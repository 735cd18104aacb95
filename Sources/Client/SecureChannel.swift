import Glibc
import TLS

/// Whom a client trusts, and how it shows who it is. Paths of PEM files.
package struct ClientTrust: Sendable {
    /// Authorities; nil: those that the system trusts.
    package var authority: String?
    /// One's own certificate and its key, for servers that ask for one.
    package var certificate: String?
    package var key: String?

    package init(authority: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.authority = authority
        self.certificate = certificate
        self.key = key
    }
}

/// TLS on a blocking socket.
final class SecureChannel {
    private var session: TLSSession
    private let name: String

    init(_ host: String, _ trust: ClientTrust, name: String) throws(ClientError) {
        self.name = name
        do throws(TLSError) {
            let context = try TLSContext(
                trusting: trust.authority, certificate: trust.certificate, key: trust.key)
            session = try TLSSession(client: context, host: host)
        } catch {
            throw .encryption(address: name, reason: "\(error)")
        }
    }

    func shakeHands(over raw: CInt) throws(ClientError) {
        while true {
            try encrypting { session throws(TLSError) in try session.handshake() }
            try sendOutgoing(over: raw)
            if session.isEstablished { return }
            guard try fetch(over: raw) else { throw .closedEarly }
        }
    }

    func write(_ bytes: [UInt8], over raw: CInt) throws(ClientError) {
        var sent = 0
        while sent < bytes.count {
            let outcome = try encrypting { session throws(TLSError) in
                try bytes.span.bytes.extracting(sent...).withUnsafeBytes { buffer throws(TLSError) in
                    try session.write(buffer)
                }
            }
            try sendOutgoing(over: raw)
            switch outcome {
            case .bytes(let count): sent += count
            case .needsInput: guard try fetch(over: raw) else { throw .closedEarly }
            case .closed: throw .closedEarly
            }
        }
    }

    /// The next bytes; empty at the end.
    func read(over raw: CInt) throws(ClientError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let outcome = try encrypting { session throws(TLSError) in
                var span = buffer.mutableSpan
                return try span.withUnsafeMutableBytes { buffer throws(TLSError) in try session.read(into: buffer) }
            }
            try sendOutgoing(over: raw)
            switch outcome {
            case .bytes(let count): return Array(buffer[..<count])
            case .closed: return []
            case .needsInput: guard try fetch(over: raw) else { return [] }
            }
        }
    }

    private func encrypting<Result>(
        _ body: (inout TLSSession) throws(TLSError) -> Result
    ) throws(ClientError) -> Result {
        do {
            return try body(&session)
        } catch {
            throw .encryption(address: name, reason: "\(error)")
        }
    }

    /// Takes in what the network has; false at its end.
    private func fetch(over raw: CInt) throws(ClientError) -> Bool {
        let bytes = try ClientSocket.receive(over: raw, name: name)
        try encrypting { session throws(TLSError) in
            try bytes.span.bytes.withUnsafeBytes { bytes throws(TLSError) in try session.receive(bytes) }
        }
        return !bytes.isEmpty
    }

    private func sendOutgoing(over raw: CInt) throws(ClientError) {
        while session.outgoingCount > 0 {
            var bytes = [UInt8](repeating: 0, count: session.outgoingCount)
            let count = bytes.withUnsafeMutableBytes { session.takeOutgoing(into: $0) }
            try ClientSocket.send(Array(bytes[..<count]), over: raw, name: name)
        }
    }
}
