package import HTTP

/// Who may still send a body: whatever it may come to need is set aside when its head has arrived, so that nothing is begun which
/// cannot be finished. Pure; what is free is passed in.
package struct AdmissionLedger: Sendable {
    /// What one request has set aside.
    package struct Claim: Sendable, Equatable {
        package var disk = 0
        package var memory = 0

        package init(disk: Int = 0, memory: Int = 0) {
            self.disk = disk
            self.memory = memory
        }

        package static func + (one: Claim, other: Claim) -> Claim {
            Claim(disk: one.disk + other.disk, memory: one.memory + other.memory)
        }
    }

    /// What a measurement that was begun will know of.
    package struct Measurement: Sendable {
        fileprivate let settled: Int
    }

    // A connection's read-ahead and the answer, beside the body's part in memory.
    private static let overhead = 1 << 20

    /// Bytes of a body in chunks for which room is set aside at a time, as nobody knows how many will come.
    package static let step = 16 << 20

    private let limits: Limits
    private var free: Resources
    private var claimed = Claim()
    /// Disk of requests that have ended since the last measurement began: it may be taken by now, or not.
    private var settling = 0

    package init(_ limits: Limits, free: Resources) {
        self.limits = limits
        self.free = free
    }

    /// Sets aside what the body of a request may need.
    /// - Parameter isKept: Whether what is sent will be stored, and not only be looked at.
    /// - Throws: 507 when there is no room for it even were it alone, 503 when others have taken the room for the moment.
    package mutating func claim(_ framing: BodyFraming, isKept: Bool) throws(Refusal) -> Claim {
        try take(need(framing, isKept: isKept), beside: Claim())
    }

    /// Sets aside what `step` more bytes of a body in chunks may need.
    /// - Parameter held: What the body has set aside so far.
    /// - Throws: 507 when there is no room for them and nobody else has any, else 503.
    package mutating func extend(_ held: Claim, isKept: Bool) throws(Refusal) -> Claim {
        try take(need(disk: Self.step * (isKept ? 2 : 1), memory: 0), beside: held)
    }

    private mutating func take(_ claim: Claim, beside held: Claim) throws(Refusal) -> Claim {
        if let disk = free.disk, claim.disk > 0 {
            // What is set aside may be taken already, which is counted twice then: an estimate on the safe side.
            guard disk - limits.diskReserve - held.disk >= claim.disk else { throw .diskFull }
            guard disk - limits.diskReserve - claimed.disk - settling >= claim.disk else { throw .busy(.disk) }
        }
        if let memory = free.memory, claim.memory > 0 {
            guard memory - limits.memoryReserve - claimed.memory >= claim.memory else { throw .busy(.memory) }
        }
        claimed.disk += claim.disk
        claimed.memory += claim.memory
        return claim
    }

    package mutating func release(_ claim: Claim) {
        claimed.disk -= claim.disk
        claimed.memory -= claim.memory
        settling += claim.disk
    }

    package func beginMeasurement() -> Measurement { Measurement(settled: settling) }

    package mutating func end(_ measurement: Measurement, free: Resources) {
        settling -= measurement.settled
        self.free = free
    }

    private func need(_ framing: BodyFraming, isKept: Bool) -> Claim {
        // Of a body in chunks nobody knows the length; what goes beyond memory it must ask for as it comes.
        let length = if case .length(let length) = framing { length } else { limits.memoryThreshold }
        let isSpooled = framing == .chunked || length > limits.memoryThreshold
        // Once on its way, and once more where it is stored.
        let disk = (isSpooled ? length : 0) + (isKept ? length : 0)
        return need(disk: disk, memory: min(length, 4 * limits.memoryThreshold) + Self.overhead)
    }

    private func need(disk: Int, memory: Int) -> Claim {
        Claim(disk: disk, memory: memory + (free.diskIsMemory ? disk : 0))
    }
}
