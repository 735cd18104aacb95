import Basics
import Dispatch
import Posix
import TLS

/// Accepts connections on one address and deals them out to the shards in turn.
final class Listener: @unchecked Sendable {
    // Invariant: everything but `address` is touched on `queue` only, once `init` is over.
    let address: Address
    private let isOwner: Bool
    private let queue: DispatchQueue
    private var socket: ListeningSocket?
    private var watch: InputWatch?
    private let shards: [Shard]
    private let context: ServerContext
    private var next = 0
    private var isCancelled = false

    // Connections taken per event, so that a flood on one address leaves the others their turn.
    private static let batch = 64
    // Out of descriptors: the waiting connection stays, and would wake us at once again.
    private static let pause = DispatchTimeInterval.milliseconds(100)

    convenience init(_ address: Address, shards: [Shard], context: ServerContext) throws(SystemCallError) {
        self.init(try Socket.listening(on: address), address, isOwner: true, shards: shards, context: context)
    }

    /// On a socket that somebody else has opened, and whose file, if it has one, is theirs.
    convenience init(_ inherited: Socket.Inherited, shards: [Shard], context: ServerContext) throws(SystemCallError) {
        let socket = try Socket.adopting(inherited)
        self.init(socket, .unix(path: ""), isOwner: false, shards: shards, context: context)
    }

    private init(
        _ socket: consuming Socket, _ address: Address, isOwner: Bool, shards: [Shard], context: ServerContext
    ) {
        self.address = socket.localAddress ?? address
        self.isOwner = isOwner
        queue = DispatchQueue(label: "gmiseg.listener.\(self.address)")
        self.socket = ListeningSocket(socket)
        self.shards = shards
        self.context = context
    }

    func start() throws(SystemCallError) {
        try queue.sync {
            Result { () throws(SystemCallError) in
                guard let descriptor = socket?.socket.raw else { return }
                // The handler keeps the listener, and with it the socket, until it stops.
                watch = try InputWatch(descriptor, on: queue) { @Sendable [self] in accept() }
            }
        }.get()
    }

    private func accept() {
        guard !isCancelled, let socket else { return }
        for _ in 0..<Self.batch {
            do throws(SystemCallError) {
                switch try socket.socket.accept() {
                case .none: return
                case .connection(let accepted): admit(accepted)
                }
            } catch {
                watch?.pause(for: Self.pause)
                return
            }
        }
    }

    private func admit(_ socket: consuming Socket) {
        let address = socket.peerAddress
        let host = address?.remoteHost
        let admission = context.census.arrived(from: host)
        guard admission != .ignored else { return }  // closed as it goes out of scope
        socket.disableDelay()
        let peer = address?.description ?? "-"
        guard let transport = transport(socket, isRefused: admission == .refused) else {
            return context.census.left(from: host, isRefused: admission == .refused)
        }
        let shard = shards[next % shards.count]
        next = (next + 1) % shards.count
        shard.loop.execute {
            shard.add(
                Connection(transport.value, peer: peer, host: host, shard: shard, isRefused: admission == .refused))
        }
    }

    /// How to speak on a new connection; nil: not at all. A client that is to be turned away is not worth a handshake.
    private func transport(_ socket: consuming Socket, isRefused: Bool) -> SendableBox<any Transport>? {
        guard let identity = context.identity, !isLocal else { return SendableBox(PlainTransport(socket)) }
        guard !isRefused, let transport = try? TLSTransport(socket, identity.context) else { return nil }
        return SendableBox(transport)
    }

    /// A Unix socket needs no encryption: the system says who may open it.
    private var isLocal: Bool {
        if case .unix = address { true } else { false }
    }

    /// Stops accepting; `completion` once the address is free, if it was ours.
    func stop(then completion: @escaping @Sendable () -> Void) {
        queue.async { @Sendable [self] in
            guard !isCancelled else { return completion() }
            isCancelled = true
            if case .unix(let path) = address, isOwner { removeSocketFile(path) }
            watch?.cancel()
            // What a service manager lent us goes on listening: it holds the clients that come before the next start.
            if isOwner { socket?.socket.stopListening() }
            socket = nil
            completion()
        }
    }
}

/// Holds the socket that cannot be copied, so that it can be let go.
private final class ListeningSocket {
    let socket: Socket
    init(_ socket: consuming Socket) { self.socket = socket }
}

/// Carries a value that one queue hands to another for good.
private struct SendableBox<Value>: @unchecked Sendable {
    // Invariant: the sender does not touch the value again.
    let value: Value
    init(_ value: Value) { self.value = value }
}
