import Basics
import Dispatch
import HTTP
import HTTPTypes
import Jobs
import Posix
import Server
import Storage

/// One client that follows one job. `EventPacer` decides; this moves the bytes.
final class JobEventStream: @unchecked Sendable {
    // Invariant: every variable is touched on `queue` only.
    private static let queue = DispatchQueue(label: "gmiseg.events")

    private let reply: ResponseWriter
    private let isHead: Bool
    private var pacer: EventPacer<Job>
    private var observation: Observation?
    private var onEnd: (@Sendable () -> Void)?
    private var isRunning = false
    /// The server stops: no more than the answer's beginning and end is sent.
    private var isEnded = false
    /// Counts the alarms set, so that only the last one rings.
    private var alarm = 0

    init(_ reply: ResponseWriter, lastSeen: Int?, isHead: Bool) {
        self.reply = reply
        self.isHead = isHead
        pacer = EventPacer(lastSeen: lastSeen, now: .now)
    }

    /// Begins the answer. `observation` ends with the stream, and `onEnd` is then called.
    func start(_ observation: Observation, onEnd: @escaping @Sendable () -> Void) {
        Self.queue.async { @Sendable [self] in
            isRunning = true
            self.observation = observation
            self.onEnd = onEnd
            // A proxy that waited for the whole would show nothing until the job is over.
            reply.begin(
                .ok, [.contentType: MediaType.eventStream.essence, .cacheControl: "no-store", .xAccelBuffering: "no"])
            guard !isHead, !isEnded else { return finish() }
            reply.onClientGone { self.end() }
            advance()
        }
    }

    func heard(_ job: Job) {
        Self.queue.async { @Sendable [self] in
            pacer.changed(.init(id: job.revision, state: job, isLast: job.state.isFinal))
            if isRunning { advance() }
        }
    }

    func end() {
        Self.queue.async { @Sendable [self] in
            isEnded = true
            finish()
        }
    }

    private func advance() {
        guard isRunning else { return }
        alarm += 1
        switch pacer.next(at: .now) {
        case .send(let event):
            write(ServerSentEvent.encode(id: event.id, event: "job", data: JobAnswer.json(event.state).text()))
        case .keepAlive: write(ServerSentEvent.keepAlive)
        case .wait(let time):
            let expected = alarm
            let delay = Int(clamping: time.since(.now).wholeNanoseconds)
            Self.queue.asyncAfter(deadline: .now() + .nanoseconds(delay)) { @Sendable [self] in
                if alarm == expected { advance() }
            }
        case .waitForClient: break
        case .end: finish()
        }
    }

    private func write(_ bytes: [UInt8]) {
        reply.write(bytes) { wasTaken in
            Self.queue.async { @Sendable [self] in
                pacer.written()
                if wasTaken { advance() } else { finish() }
            }
        }
    }

    private func finish() {
        guard isRunning else { return }
        isRunning = false
        reply.finish()
        observation?.cancel()
        onEnd?()
        (observation, onEnd) = (nil, nil)
    }
}

extension HTTPField.Name {
    /// Read by nginx, which else gathers an answer before it passes it on.
    fileprivate static let xAccelBuffering = HTTPField.Name("X-Accel-Buffering")!
}

/// The streams that are open, so that a server that stops can end them.
final class EventStreams: Sendable {
    private struct State {
        var open: [ObjectIdentifier: JobEventStream] = [:]
        var isEnded = false
    }

    private let state = Lock(State())

    func start(_ stream: JobEventStream, _ observation: Observation) {
        let key = ObjectIdentifier(stream)
        let isEnded = state.withLock { state in
            state.open[key] = stream
            return state.isEnded
        }
        stream.start(observation) { [self] in state.withLock { $0.open[key] = nil } }
        if isEnded { stream.end() }
    }

    /// Ends those that are open, and each that is still to come.
    func endAll() {
        let streams = state.withLock { state in
            state.isEnded = true
            return Array(state.open.values)
        }
        for stream in streams { stream.end() }
    }
}
