import Dispatch
import HTTP
import HTTPTypes
import Posix

/// One client's connection: moves bytes between its socket, the parser, the handler and the output queue, and does what
/// `ConnectionState` says. Reading is in `Connection+Input`, writing in `Connection+Output`.
///
/// Backpressure: nothing is read while an answer is due, while unsent output piles up, or while a body's bytes wait to be spooled.
final class Connection: EventHandler, @unchecked Sendable {
    // Invariant: after `init`, every variable is touched on the shard's queue only.

    /// One request and its answer.
    final class Exchange {
        let number: UInt64
        let began: MonotonicTime
        /// Shared with the writer of its answer, once a handler has the request.
        var reply: ReplyState?
        var head: RequestHead?
        var destination: (any Destination)?
        var trace: TraceContext?
        var receiver: BodyReceiver?
        /// What is set aside for its body.
        var claim: AdmissionLedger.Claim?
        /// How much of a body in chunks that is enough for.
        var claimedBytes = 0
        /// Nothing is read until it is known what there is to set aside.
        var awaitsRoom = false
        /// An answer that needs no handler, held until the request has ended.
        var earlyAnswer: Response?
        var requestBytes = 0
        var responseBytes = 0
        var status: Int?
        var framing = ResponseFraming.none
        var sendsBody = true

        init(number: UInt64, began: MonotonicTime) {
            self.number = number
            self.began = began
        }
    }

    let shard: Shard
    let peer: String
    /// Under which address it is counted; nil: none.
    let host: String?
    let isRefused: Bool
    var transport: (any Transport)?
    var state = ConnectionState()
    var parser: RequestParser
    var exchange: Exchange?
    var output = OutputQueue()
    /// Bytes of it that the server's count has.
    private var countedOutput = 0
    /// Nil until the loop watches the socket.
    private var token: UInt64?

    // Edge-triggered readiness, as last told and not yet used up.
    var isReadable = false
    var isWritable = true
    /// The client has sent its last byte; there may be some to read.
    var peerHasFinished = false
    /// The client has sent its last byte, and all of them are read.
    var inputHasEnded = false
    /// Bytes read but not yet parsed, from `pendingStart` on.
    var pending: [UInt8] = []
    var pendingStart = 0

    /// Body bytes on their way to the spool, and whether a job is under way.
    var spool = SpoolBacklog()
    var hasShutDown = false

    private var served = 0
    var phaseBegan: MonotonicTime
    var lastInput: MonotonicTime
    var lastOutput: MonotonicTime
    /// How fast the present body comes, and how fast the output goes since it last had to wait.
    var inputPace: PaceKeeper
    var outputPace: PaceKeeper
    /// Bytes a second that the client must take of the output; more while a large answer waits in memory.
    var outputRate: Int

    var context: ServerContext { shard.context }

    init(_ transport: any Transport, peer: String, host: String?, shard: Shard, isRefused: Bool) {
        self.transport = transport
        self.peer = peer
        self.host = host
        self.shard = shard
        self.isRefused = isRefused
        parser = RequestParser(limits: shard.context.limits)
        let now = shard.loop.now
        (phaseBegan, lastInput, lastOutput) = (now, now, now)
        (inputPace, outputPace) = (PaceKeeper(now: now), PaceKeeper(now: now))
        outputRate = shard.context.limits.minimumRate
    }

    /// Starts to watch the socket. Throws when the system has no room for it.
    func start() throws(SystemCallError) {
        guard let transport else { return }
        token = try shard.loop.add(transport.raw, self)
        if isRefused {
            beginExchange()
            fail(.busy(.connections))
            pump()
        }
    }

    /// Runs `body` on the connection's queue, soon.
    func perform(_ body: @escaping @Sendable (Connection) -> Void) {
        shard.loop.execute {
            body(self)
            self.pump()
        }
    }

    func ready(_ readiness: Readiness) {
        if readiness.contains(.writable) { isWritable = true }
        if readiness.contains(.readable) { isReadable = true }
        if readiness.contains(.failed) {
            close()
            return
        }
        if readiness.contains(.inputEnded) { peerHasFinished = true }
        var reads = 0
        takeInput(&reads)
    }

    func settle() { pump() }

    func beginExchange() {
        state.requestBegan()
        let now = shard.loop.now
        phaseBegan = now
        exchange = Exchange(number: context.nextNumber(), began: now)
    }

    /// Only an empty line has come: no request, and nothing to log.
    func forgetExchange() {
        state.requestVanished()
        exchange = nil
    }

    /// The exchange is over; its log entry is written.
    func endExchange(isComplete: Bool) {
        guard let exchange else { return }
        self.exchange = nil
        served += 1
        if let claim = exchange.claim { context.admission.release(claim) }
        guard let log = context.accessLog else { return }
        let method = exchange.head?.request.method.rawValue
        log(
            AccessLogEntry(
                number: exchange.number, names: context.requestID, trace: exchange.trace, method: method ?? "-",
                route: exchange.destination?.route ?? "-",
                status: exchange.status ?? 499, requestBytes: exchange.requestBytes,
                responseBytes: exchange.responseBytes,
                duration: MonotonicTime.now.since(exchange.began), peer: peer, isComplete: isComplete))
    }

    /// The server wants to end.
    func drain() {
        isReadable = true  // a request may be waiting in the system's buffer: it is still served
        pump()
        guard transport != nil, state.drain() else { return }
        if hasOutput { pump() } else { close() }
    }

    func close() {
        guard let transport else { return }
        // The socket itself goes last: whoever sees the end of the connection then finds it logged and no longer counted.
        defer { withExtendedLifetime(transport) {} }
        state.close()
        if let token { shard.loop.remove(transport.raw, token) }
        self.transport = nil
        pending = []
        spool = SpoolBacklog()
        exchange?.reply?.clientHasGone()
        endExchange(isComplete: false)
        output.abandon()
        countOutput()
        shard.remove(self)
    }

    /// Tells the server how much waits in memory here.
    func countOutput() {
        let change = output.byteCount - countedOutput
        guard change != 0 else { return }
        countedOutput += change
        context.unsent.add(change)
    }

    // MARK: Time

    /// When patience ends, in the present phase; nil while the client has nothing to do.
    private var deadline: MonotonicTime? {
        let timeouts = context.timeouts
        if transport?.isHandshaking == true { return phaseBegan + timeouts.handshake }
        if state.phase == .lingering, !hasOutput {
            return min(max(phaseBegan, lastInput) + timeouts.linger, phaseBegan + timeouts.lingerLimit)
        }
        if hasOutput {
            return min(
                lastOutput + timeouts.write,
                outputPace.deadline(grace: timeouts.write, bytesPerSecond: outputRate))
        }
        switch state.phase {
        case .idle: return phaseBegan + (served == 0 ? timeouts.start : timeouts.keepAlive)
        case .head: return phaseBegan + timeouts.head
        case .body where spool.isFull: return nil
        case .body:
            let rate = context.limits.leastRate(of: exchange?.head?.framing ?? BodyFraming.none)
            return min(
                lastInput + timeouts.bodyIdle, inputPace.deadline(grace: timeouts.bodyIdle, bytesPerSecond: rate),
                inputPace.deadline(grace: timeouts.bodyIdle, whole: context.limits.transferTime))
        case .answering, .lingering, .closed: return nil
        }
    }

    /// Whether anything waits to be sent, encrypted already or not.
    var hasOutput: Bool { !output.isEmpty || (transport?.pendingOutput ?? 0) > 0 }

    func checkDeadline() {
        guard let deadline, deadline < shard.loop.now else { return }
        switch state.phase {
        case .head where output.isEmpty:
            fail(.timeout(.head))
            pump()
        case .body where output.isEmpty:
            fail(.timeout(.body))
            pump()
        default:
            // Whoever does not take an answer would leave the system with megabytes of it, for as long as a sip comes now and then.
            if hasOutput { transport?.resetOnClose() }
            close()
        }
    }
}

/// Body bytes that wait to be taken in off the I/O queue.
struct SpoolBacklog {
    // Enough to keep the disk busy while the next bytes arrive.
    private static let limit = 1 << 19

    var bytes: [UInt8] = []
    /// A job has the receiver.
    var isBusy = false
    /// Since when no more is read, for the disk's sake.
    var fullSince: MonotonicTime?
    /// The body has ended; when the backlog is empty it can be finished.
    var hasEnded = false

    var isFull: Bool { bytes.count >= Self.limit }
}
