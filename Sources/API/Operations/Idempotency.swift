package import Posix
package import Server

/// The answers to requests that carried an Idempotency-Key, so that one that is sent again is not done again.
///
/// Pure: time is passed in. Kept in memory, for a day and up to a number of bytes; a restart forgets them.
package struct Idempotency: Sendable {
    /// Whose key it is: two owners may use the same text.
    package struct Key: Hashable, Sendable {
        let owner: String?
        let text: String

        package init(owner: String?, text: String) {
            self.owner = owner
            self.text = text
        }
    }

    package enum Decision: Sendable {
        /// It is new: do it, then call `finish`.
        case perform
        /// It was done: this was the answer.
        case replay(Response)
        /// The same key came with another request.
        case mismatch
        /// It is being done.
        case underWay
    }

    private struct Entry {
        let fingerprint: String
        /// Whether who asked sees what belongs to others.
        let seesAll: Bool
        var response: Response?
        /// Whether something was deleted since it began, of which its answer may tell.
        var isOutdated = false
        var byteCount = 0
        var time: MonotonicTime
    }

    private let lifetime: Duration
    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var byteCount = 0

    package init(lifetime: Duration = .seconds(86_400), byteCapacity: Int = 64 << 20) {
        self.lifetime = lifetime
        capacity = byteCapacity
    }

    /// - Parameter fingerprint: Of everything that the request asks for; equal for equal requests only.
    package mutating func begin(
        _ key: Key, fingerprint: String, seesAll: Bool = false, at now: MonotonicTime
    ) -> Decision {
        if let entry = entries[key] {
            if entry.response == nil || now < entry.time + lifetime {
                guard entry.fingerprint == fingerprint else { return .mismatch }
                return entry.response.map { .replay($0) } ?? .underWay
            }
            remove(key)
        }
        entries[key] = Entry(fingerprint: fingerprint, seesAll: seesAll, time: now)
        return .perform
    }

    /// Keeps the answer; nil forgets the key: what failed on our side may be tried again.
    package mutating func finish(_ key: Key, _ response: Response?, at now: MonotonicTime) {
        guard let response else { return remove(key) }
        let count = response.body.count + 512
        guard var entry = entries[key], !entry.isOutdated, count <= capacity else { return remove(key) }
        entry.response = response
        entry.byteCount = count
        entry.time = now
        entries[key] = entry
        byteCount += count
        while byteCount > capacity, let oldest = oldestFinished(but: key) { remove(oldest) }
    }

    /// Forgets the answers that may tell of what was deleted: those of its owner, and of everybody who sees what is theirs. One that is
    /// under way is sent, and not kept.
    ///
    /// - Parameter owner: Nil: it was nobody's, or of several.
    package mutating func forget(owner: String?) {
        for (key, entry) in entries where owner == nil || key.owner == owner || entry.seesAll {
            if entry.response == nil { entries[key]?.isOutdated = true } else { remove(key) }
        }
    }

    private func oldestFinished(but key: Key) -> Key? {
        entries.filter { $0.value.response != nil && $0.key != key }.min { $0.value.time < $1.value.time }?.key
    }

    private mutating func remove(_ key: Key) {
        byteCount -= entries.removeValue(forKey: key)?.byteCount ?? 0
    }
}
