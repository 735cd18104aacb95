import Basics

/// How many connections are open, and word when the last has gone.
package final class Census: Sendable {
    package enum Admission {
        case welcome
        /// Over the limit: to be told so, and closed.
        case refused
        /// So far over the limit that not even that is done.
        case ignored
    }

    private struct State {
        var open = 0
        var refused = 0
        var perHost: [String: Int] = [:]
        var onEmpty: [@Sendable () -> Void] = []
    }

    // Refused clients that are being told; each holds a descriptor for as long as it may linger.
    private static let refusedLimit = 64

    private let limit: Int
    private let limitPerHost: Int
    private let state = Lock(State())

    /// - Parameters:
    ///   - limit: Of connections in all.
    ///   - limitPerHost: Of connections from one host; those beyond are not even refused, as that would take one more.
    package init(limit: Int, limitPerHost: Int) {
        self.limit = limit
        self.limitPerHost = limitPerHost
    }

    /// - Parameter host: Nil: not counted by host.
    package func arrived(from host: String? = nil) -> Admission {
        state.withLock { state in
            if let host {
                guard state.perHost[host, default: 0] < limitPerHost else { return .ignored }
            }
            if state.open < limit {
                state.open += 1
                if let host { state.perHost[host, default: 0] += 1 }
                return .welcome
            }
            guard state.refused < Self.refusedLimit else { return .ignored }
            state.refused += 1
            if let host { state.perHost[host, default: 0] += 1 }
            return .refused
        }
    }

    package func left(from host: String? = nil, isRefused: Bool) {
        let callbacks = state.withLock { state -> [@Sendable () -> Void] in
            if let host {
                let rest = state.perHost[host, default: 1] - 1
                state.perHost[host] = rest > 0 ? rest : nil
            }
            if isRefused { state.refused -= 1 } else { state.open -= 1 }
            guard state.open == 0, state.refused == 0 else { return [] }
            defer { state.onEmpty = [] }
            return state.onEmpty
        }
        for callback in callbacks { callback() }
    }

    /// Calls `body` once nobody is here.
    package func whenEmpty(_ body: @escaping @Sendable () -> Void) {
        let isEmpty = state.withLock { state in
            let isEmpty = state.open == 0 && state.refused == 0
            if !isEmpty { state.onEmpty.append(body) }
            return isEmpty
        }
        if isEmpty { body() }
    }

    /// Connections open now, those being refused aside.
    package var count: Int { state.withLock { $0.open } }
}
