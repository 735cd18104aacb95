import Basics

/// Set once.
final class Flag: Sendable {
    private let state = Lock(false)

    var isSet: Bool { state.withLock { $0 } }

    func set() { state.withLock { $0 = true } }
}

/// Counts from 1.
final class Counter: Sendable {
    private let state = Lock(0)

    func next() -> Int {
        state.withLock { count in
            count += 1
            return count
        }
    }
}
