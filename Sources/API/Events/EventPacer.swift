package import Posix

/// When to send which event: the newest state, at most four times a second, and a sign of life when there is nothing to say.
///
/// Pure: it is told what happens and what time it is, and says what to do. States that come faster than they may be sent are
/// merged, as are those that come while the client has not taken the last one.
package struct EventPacer<State: Sendable>: Sendable {
    package struct Event: Sendable {
        package let id: Int
        package let state: State
        /// Nothing comes after it.
        package let isLast: Bool

        package init(id: Int, state: State, isLast: Bool) {
            self.id = id
            self.state = state
            self.isLast = isLast
        }
    }

    package enum Step: Sendable {
        case send(Event)
        case keepAlive
        /// Ask again at this time, or when something has happened.
        case wait(until: MonotonicTime)
        /// Ask again when what was sent has been taken.
        case waitForClient
        /// The last event is out.
        case end
    }

    private let interval: Duration
    private let patience: Duration
    private var newest: Event?
    private var lastID: Int?
    private var lastEvent: MonotonicTime?
    private var lastWrite: MonotonicTime
    private var isWriting = false
    private var isOver = false

    /// - Parameters:
    ///   - lastSeen: The id of the last event that the client has; it is not sent again.
    ///   - interval: The shortest time between two events.
    ///   - patience: The longest time without a byte.
    package init(
        lastSeen: Int?, now: MonotonicTime, interval: Duration = .milliseconds(250), patience: Duration = .seconds(15)
    ) {
        lastID = lastSeen
        lastWrite = now
        self.interval = interval
        self.patience = patience
    }

    package mutating func changed(_ event: Event) {
        guard event.id > max(lastID ?? -1, newest?.id ?? -1) else { return }
        newest = event
    }

    /// The client has taken what was sent.
    package mutating func written() { isWriting = false }

    package mutating func next(at now: MonotonicTime) -> Step {
        if isWriting { return .waitForClient }
        if isOver { return .end }
        if let event = newest {
            let due = lastEvent.map { $0 + interval } ?? now
            guard due <= now else { return .wait(until: due) }
            newest = nil
            (lastID, lastEvent) = (event.id, now)
            isOver = event.isLast
            sent(now)
            return .send(event)
        }
        let due = lastWrite + patience
        guard due <= now else { return .wait(until: due) }
        sent(now)
        return .keepAlive
    }

    private mutating func sent(_ now: MonotonicTime) {
        isWriting = true
        lastWrite = now
    }
}
