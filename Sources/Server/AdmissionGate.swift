import Basics
import Dispatch
import HTTP
import Posix

/// The ledger of who may send a body, with measurements of what is free that are at most about a second old.
final class AdmissionGate: Sendable {
    private struct State {
        var ledger: AdmissionLedger
        var measured: MonotonicTime
        var isMeasuring = false
    }

    private static let interval = Duration.seconds(1)

    private let measure: @Sendable () -> Resources
    // Not where connections live: a disk that is far away may take its time to answer.
    private let queue = DispatchQueue(label: "gmiseg.resources")
    private let state: Lock<State>

    init(_ limits: Limits, measure: @escaping @Sendable () -> Resources) {
        self.measure = measure
        state = Lock(State(ledger: AdmissionLedger(limits, free: measure()), measured: .now))
    }

    /// Sets aside what a request's body may need; see `AdmissionLedger.claim`.
    func claim(_ framing: BodyFraming, isKept: Bool, now: MonotonicTime) throws(Refusal) -> AdmissionLedger.Claim {
        let (result, measurement) = state.withLock { state in
            let result = Result { () throws(Refusal) in try state.ledger.claim(framing, isKept: isKept) }
            guard !state.isMeasuring, state.measured + Self.interval <= now else {
                return (result, AdmissionLedger.Measurement?.none)
            }
            state.isMeasuring = true
            return (result, state.ledger.beginMeasurement())
        }
        if let measurement { refresh(measurement) }
        return try result.get()
    }

    func release(_ claim: AdmissionLedger.Claim) {
        state.withLock { $0.ledger.release(claim) }
    }

    private func refresh(_ measurement: AdmissionLedger.Measurement) {
        queue.async { @Sendable [self] in
            let free = measure()
            state.withLock { state in
                state.ledger.end(measurement, free: free)
                state.measured = .now
                state.isMeasuring = false
            }
        }
    }
}
