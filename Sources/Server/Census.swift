import Basics

/// How many connections are open, and word when the last has gone.
final class Census: Sendable {
    enum Admission {
        case welcome
        /// Over the limit: to be told so, and closed.
        case refused
        /// So far over the limit that not even that is done.
        case ignored
    }

    private struct State {
        var open = 0
        var refused = 0
        var onEmpty: (@Sendable () -> Void)?
    }

    // Refused clients that are being told; each holds a descriptor for up to the linger timeout.
    private static let refusedLimit = 64

    private let limit: Int
    private let state = Lock(State())

    init(limit: Int) { self.limit = limit }

    func arrived() -> Admission {
        state.withLock { state in
            if state.open < limit {
                state.open += 1
                return .welcome
            }
            guard state.refused < Self.refusedLimit else { return .ignored }
            state.refused += 1
            return .refused
        }
    }

    func left(isRefused: Bool) {
        let callback = state.withLock { state -> (@Sendable () -> Void)? in
            if isRefused { state.refused -= 1 } else { state.open -= 1 }
            guard state.open == 0, state.refused == 0 else { return nil }
            defer { state.onEmpty = nil }
            return state.onEmpty
        }
        callback?()
    }

    /// Calls `body` once nobody is here.
    func whenEmpty(_ body: @escaping @Sendable () -> Void) {
        let isEmpty = state.withLock { state in
            let isEmpty = state.open == 0 && state.refused == 0
            if !isEmpty { state.onEmpty = body }
            return isEmpty
        }
        if isEmpty { body() }
    }

    /// Connections open now, those being refused aside.
    var count: Int { state.withLock { $0.open } }
}
