import Basics

/// How a cached value was come by; answers report it.
package enum CacheOutcome: String, Sendable {
    /// It was there.
    case cached
    /// It was worked out for this request.
    case computed
    /// Another request was working it out already; this one waited for the same result.
    case shared

    /// Of two values together: that of the one that took longer.
    func joined(_ other: CacheOutcome) -> CacheOutcome {
        self == .computed || other == .cached ? self : other
    }
}

/// Values that are costly to make and good to keep: bounded by bytes, the least recently used go first, and requests for
/// the same key at the same time make it once.
package final class SharedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// A value and the bytes of memory that it holds.
    package struct Made: Sendable {
        package let value: Value
        package let byteCount: Int

        package init(_ value: Value, byteCount: Int) {
            self.value = value
            self.byteCount = byteCount
        }
    }

    package struct Statistics: Sendable, Equatable {
        package var entries = 0
        package var byteCount = 0
        package var hits = 0
        package var misses = 0
        package var shared = 0
        package var evictions = 0

        package init(entries: Int = 0, byteCount: Int = 0, hits: Int = 0, misses: Int = 0) {
            (self.entries, self.byteCount, self.hits, self.misses) = (entries, byteCount, hits, misses)
        }
    }

    private struct Entry {
        let made: Made
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        /// Who waits for a key that is being made; a key stands here, perhaps with nobody, as long as its maker is at work.
        var waiting: [Key: [CheckedContinuation<Step, any Error>]] = [:]
        /// Of these, those whose data was deleted meanwhile: who waits gets the value, and it is not kept.
        var outdated: Set<Key> = []
        var uses: UInt64 = 0
        var statistics = Statistics()
    }

    private enum Step {
        case found(Value, CacheOutcome)
        case make
    }

    private let state = Lock(State())
    private let capacity: Int

    /// - Parameter byteCapacity: Bytes kept at most. A single value above it is handed out and not kept.
    package init(byteCapacity: Int) { capacity = byteCapacity }

    package var statistics: Statistics { state.withLock { $0.statistics } }

    /// The value of `key`, made by `make` when it is not there. A failure goes to everybody who waited, and is not kept.
    package func value(
        for key: Key, make: @Sendable () async throws -> Made
    ) async throws -> (value: Value, outcome: CacheOutcome) {
        switch try await nextStep(key) {
        case .found(let value, let outcome): return (value, outcome)
        case .make:
            do {
                let made = try await make()
                finish(key, .success(made))
                return (made.value, .computed)
            } catch {
                finish(key, .failure(error))
                throw error
            }
        }
    }

    /// Looks and queues up in one turn of the lock, so that no maker can finish in between.
    private func nextStep(_ key: Key) async throws -> Step {
        try await withCheckedThrowingContinuation { continuation in
            let step: Step? = state.withLock { state in
                if let value = Self.touch(key, &state) {
                    state.statistics.hits += 1
                    return .found(value, .cached)
                }
                if state.waiting[key] != nil {
                    state.waiting[key]?.append(continuation)
                    state.statistics.shared += 1
                    return nil
                }
                state.waiting[key] = []
                state.statistics.misses += 1
                return .make
            }
            if let step { continuation.resume(returning: step) }
        }
    }

    /// Keeps a value that was made elsewhere.
    package func insert(_ made: Made, for key: Key) { state.withLock { keep(made, for: key, &$0) } }

    /// The value of `key` if it is there; counts as a use.
    package func existing(_ key: Key) -> Value? {
        state.withLock { Self.touch(key, &$0) }
    }

    /// Forgets every value whose key says so: the data of a deleted task.
    package func remove(where isStale: (Key) -> Bool) {
        state.withLock { state in
            for (key, entry) in state.entries where isStale(key) {
                state.entries[key] = nil
                state.statistics.entries -= 1
                state.statistics.byteCount -= entry.made.byteCount
            }
            state.outdated.formUnion(state.waiting.keys.filter(isStale))
        }
    }

    private static func touch(_ key: Key, _ state: inout State) -> Value? {
        guard var entry = state.entries[key] else { return nil }
        state.uses += 1
        entry.lastUse = state.uses
        state.entries[key] = entry
        return entry.made.value
    }

    private func finish(_ key: Key, _ result: Result<Made, any Error>) {
        let waiting = state.withLock { state in
            let isOutdated = state.outdated.remove(key) != nil
            if !isOutdated, case .success(let made) = result { keep(made, for: key, &state) }
            return state.waiting.removeValue(forKey: key) ?? []
        }
        for continuation in waiting { continuation.resume(with: result.map { .found($0.value, .shared) }) }
    }

    private func keep(_ made: Made, for key: Key, _ state: inout State) {
        guard made.byteCount <= capacity else { return }
        state.uses += 1
        if let old = state.entries.updateValue(Entry(made: made, lastUse: state.uses), forKey: key) {
            state.statistics.byteCount -= old.made.byteCount
            state.statistics.entries -= 1
        }
        state.statistics.byteCount += made.byteCount
        state.statistics.entries += 1
        while state.statistics.byteCount > capacity,
            let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            state.entries[oldest.key] = nil
            state.statistics.byteCount -= oldest.value.made.byteCount
            state.statistics.entries -= 1
            state.statistics.evictions += 1
        }
    }
}
