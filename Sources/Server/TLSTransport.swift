import Posix
import TLS

/// A socket under TLS. The handshake goes on within `read` and `write`, on the connection's own queue.
final class TLSTransport: Transport {
    private static let chunk = 16_384
    // A buffer of 64 KiB takes five, from a client that sends as fast as we read.
    private static let fetchesPerRead = 8

    private let socket: Socket
    private var session: TLSSession
    /// Encrypted bytes that the socket has not taken yet, from `start` on.
    private var pending: [UInt8] = []
    private var start = 0
    private var hasFailed = false
    private(set) var hasYielded = false

    init(_ socket: consuming Socket, _ context: TLSContext) throws(TLSError) {
        session = try TLSSession(server: context)
        self.socket = socket
    }

    var raw: CInt { socket.raw }
    var isHandshaking: Bool { !session.isEstablished }
    var pendingOutput: Int { pending.count - start + session.outgoingCount }

    /// Reads until the buffer is full or the socket is empty, so that a short read means the same as on a plain socket. Yields after some
    /// fetches: records without a byte for us, such as KeyUpdate (RFC 8446 §4.6.3), fill no buffer, and may come as fast as we read them.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        var (filled, fetches) = (0, 0)
        hasYielded = false
        do throws(TLSError) {
            while filled < buffer.count {
                switch try session.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])) {
                case .bytes(let count): filled += count
                case .closed:
                    // The end came with the last bytes: the socket will not tell of it again.
                    hasYielded = filled > 0
                    return filled > 0 ? .bytes(filled) : .closed
                case .needsInput:
                    if flush() == .closed { return .closed }
                    guard fetches < Self.fetchesPerRead else {
                        hasYielded = true
                        return .bytes(filled)
                    }
                    fetches += 1
                    let transfer = try fetch()
                    guard case .bytes = transfer else { return filled > 0 ? .bytes(filled) : transfer }
                }
            }
            return .bytes(filled)
        } catch {
            hasFailed = true
            _ = flush()  // an alert says why
            return .closed
        }
    }

    /// Moves what the socket has into the session.
    private func fetch() throws(TLSError) -> Transfer {
        try withUnsafeTemporaryAllocation(byteCount: Self.chunk, alignment: 16) { buffer throws(TLSError) in
            let transfer = socket.read(into: buffer)
            if case .bytes(let count) = transfer { try session.receive(.init(rebasing: buffer[..<count])) }
            return transfer
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        guard !hasFailed else { return .closed }
        switch flush() {
        case .wouldBlock: return .wouldBlock
        case .closed: return .closed
        case .bytes: break
        }
        do throws(TLSError) {
            switch try session.write(.init(rebasing: bytes.prefix(Self.chunk))) {
            case .bytes(let count): return flush() == .closed ? .closed : .bytes(count)
            case .needsInput: return .wouldBlock
            case .closed: return .closed
            }
        } catch {
            hasFailed = true
            return .closed
        }
    }

    func flush() -> Transfer {
        while true {
            while start < pending.count {
                let transfer = pending.withUnsafeBytes { socket.write(.init(rebasing: $0[start...])) }
                guard case .bytes(let count) = transfer else { return transfer }
                start += count
            }
            pending = []
            start = 0
            guard session.outgoingCount > 0 else { return .bytes(0) }
            pending = [UInt8](unsafeUninitializedCapacity: session.outgoingCount) { buffer, count in
                count = session.takeOutgoing(into: UnsafeMutableRawBufferPointer(buffer))
            }
        }
    }

    func resetOnClose() { socket.resetOnClose() }

    func shutdownWriting() {
        if !hasFailed { session.close() }
        _ = flush()
        socket.shutdownWriting()
    }
}
