import Basics
import Dispatch
import Posix

/// Accepts connections on one address and deals them out to the shards in turn.
final class Listener: @unchecked Sendable {
    // Invariant: everything but `address` is touched on `queue` only, once `init` is over.
    let address: Address
    private let queue: DispatchQueue
    private var socket: ListeningSocket?
    private let source: any DispatchSourceRead
    private let shards: [Shard]
    private let context: ServerContext
    private var next = 0
    private var isCancelled = false

    // Connections taken per event, so that a flood on one address leaves the others their turn.
    private static let batch = 64
    // Out of descriptors: the waiting connection stays, and would wake us at once again.
    private static let pause = DispatchTimeInterval.milliseconds(100)

    init(_ address: Address, shards: [Shard], context: ServerContext) throws(SystemCallError) {
        let socket = try Socket.listening(on: address)
        let queue = DispatchQueue(label: "gmiseg.listener.\(address)")
        self.address = socket.localAddress ?? address
        self.queue = queue
        source = DispatchSource.makeReadSource(fileDescriptor: socket.raw, queue: queue)
        self.socket = ListeningSocket(socket)
        self.shards = shards
        self.context = context
    }

    func start() {
        // The handler keeps the listener, and with it the socket, until the source has let go of it.
        source.setEventHandler { @Sendable [self] in accept() }
        source.activate()
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
                source.suspend()
                queue.asyncAfter(deadline: .now() + Self.pause) { @Sendable [self] in source.resume() }
                return
            }
        }
    }

    private func admit(_ socket: consuming Socket) {
        let admission = context.census.arrived()
        guard admission != .ignored else { return }  // closed as it goes out of scope
        socket.disableDelay()
        let peer = socket.peerAddress?.description ?? "-"
        let transport = SendableBox(PlainTransport(socket))
        let shard = shards[next % shards.count]
        next = (next + 1) % shards.count
        shard.loop.execute {
            shard.add(Connection(transport.value, peer: peer, shard: shard, isRefused: admission == .refused))
        }
    }

    /// Stops accepting; `completion` once the address is free.
    func stop(then completion: @escaping @Sendable () -> Void) {
        queue.async { @Sendable [self] in
            guard !isCancelled else { return completion() }
            isCancelled = true
            if case .unix(let path) = address { removeSocketFile(path) }
            // Closing is left to the cancel handler: the source must have let go of the descriptor first.
            source.setCancelHandler { @Sendable [self] in
                socket?.socket.stopListening()
                socket = nil
                source.setEventHandler(handler: nil)
                completion()
            }
            source.cancel()
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
