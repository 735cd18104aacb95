import Basics
import Dispatch
package import HTTP
package import Posix

/// The ledger of who may send a body, with measurements of what is free that are at most a second old: who comes later waits for the next,
/// so that nobody is judged by how things were before a night without requests.
package final class AdmissionGate: Sendable {
    package typealias Answer = Result<AdmissionLedger.Claim, Refusal>

    private struct State {
        var ledger: AdmissionLedger
        var measured: MonotonicTime
        /// Requests that wait for the measurement under way; none when there is none.
        var waiting: [Request] = []
    }

    private struct Request: Sendable {
        let claim: @Sendable (inout AdmissionLedger) throws(Refusal) -> AdmissionLedger.Claim
        let answer: @Sendable (Answer) -> Void
    }

    private static let interval = Duration.seconds(1)

    private let measure: @Sendable () -> Resources
    // Not where connections live: a disk that is far away may take its time to answer.
    private let queue = DispatchQueue(label: "gmiseg.resources")
    private let state: Lock<State>

    package init(_ limits: Limits, measure: @escaping @Sendable () -> Resources) {
        self.measure = measure
        state = Lock(State(ledger: AdmissionLedger(limits, free: measure()), measured: .now))
    }

    /// Sets aside what a request's body may need; see `AdmissionLedger.claim`.
    /// - Parameter later: Gets the answer, once there is a new measurement, on a queue of the gate's own.
    /// - Returns: The answer, if what is known is fresh; nil: `later` gets it.
    package func claim(
        _ framing: BodyFraming, isKept: Bool, now: MonotonicTime, later: @escaping @Sendable (Answer) -> Void
    ) -> Answer? {
        answer(
            Request(
                claim: { (ledger) throws(Refusal) in try ledger.claim(framing, isKept: isKept) }, answer: later),
            now)
    }

    /// Sets aside room for more of a body in chunks, beside what it holds; see `AdmissionLedger.extend`. Answers as `claim` does.
    package func extend(
        _ held: AdmissionLedger.Claim, isKept: Bool, now: MonotonicTime, later: @escaping @Sendable (Answer) -> Void
    ) -> Answer? {
        answer(
            Request(claim: { (ledger) throws(Refusal) in try ledger.extend(held, isKept: isKept) }, answer: later), now)
    }

    private func answer(_ request: Request, _ now: MonotonicTime) -> Answer? {
        let (answer, measurement) = state.withLock { state -> (Answer?, AdmissionLedger.Measurement?) in
            if now < state.measured + Self.interval { return (Self.answer(request, &state.ledger), nil) }
            state.waiting.append(request)
            return (nil, state.waiting.count == 1 ? state.ledger.beginMeasurement() : nil)
        }
        if let measurement { refresh(measurement) }
        return answer
    }

    package func release(_ claim: AdmissionLedger.Claim) {
        state.withLock { $0.ledger.release(claim) }
    }

    private static func answer(_ request: Request, _ ledger: inout AdmissionLedger) -> Answer {
        Result { () throws(Refusal) in try request.claim(&ledger) }
    }

    private func refresh(_ measurement: AdmissionLedger.Measurement) {
        queue.async { @Sendable [self] in
            let free = measure()
            let answers = state.withLock { state in
                state.ledger.end(measurement, free: free)
                state.measured = .now
                defer { state.waiting = [] }
                return state.waiting.map { ($0, Self.answer($0, &state.ledger)) }
            }
            for (request, answer) in answers { request.answer(answer) }
        }
    }
}
