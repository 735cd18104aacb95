package import Posix
package import Server

/// The answers to requests that carried an Idempotency-Key, so that one that is sent again is not done again.
///
/// Pure: time is passed in. Kept in memory, for a day and up to a number of bytes; a restart forgets them.
package struct Idempotency: Sendable {
    /// Whose key it is: two owners may use the same text, and so may two tokens of one, of which one sees what belongs to others.
    package struct Key: Hashable, Sendable {
        let owner: String?
        let seesAll: Bool
        let text: String

        package init(owner: String?, seesAll: Bool = false, text: String) {
            self.owner = owner
            self.seesAll = seesAll
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
        var response: Response?
        /// Whether something was deleted since it began, of which its answer may tell.
        var isOutdated = false
        var byteCount = 0
        var time: MonotonicTime
    }

    private let lifetime: Duration
    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    /// The keys of the answers that are kept, oldest first, from `oldest` on.
    private var kept: [Key] = []
    private var oldest = 0
    private var byteCount = 0

    package init(lifetime: Duration = .seconds(86_400), byteCapacity: Int = 64 << 20) {
        self.lifetime = lifetime
        capacity = byteCapacity
    }

    /// - Parameter fingerprint: Of everything that the request asks for; equal for equal requests only.
    package mutating func begin(
        _ key: Key, fingerprint: String, at now: MonotonicTime
    ) -> Decision {
        dropOldest(at: now)
        if let entry = entries[key] {
            guard entry.fingerprint == fingerprint else { return .mismatch }
            return entry.response.map { .replay($0) } ?? .underWay
        }
        entries[key] = Entry(fingerprint: fingerprint, time: now)
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
        kept.append(key)
        byteCount += count
        dropOldest(at: now)
    }

    /// Forgets the answers that may tell of what was deleted: those of its owner, and of everybody who sees what is theirs. One that is
    /// under way is sent, and not kept.
    ///
    /// - Parameter owner: Nil: it was nobody's, or of several.
    package mutating func forget(owner: String?) {
        for (key, entry) in entries where owner == nil || key.owner == owner || key.seesAll {
            if entry.response == nil { entries[key]?.isOutdated = true } else { remove(key) }
        }
        kept = kept[oldest...].filter { entries[$0]?.response != nil }
        oldest = 0
    }

    /// Forgets the answers that are too old, and of the others the oldest that there is no room for.
    private mutating func dropOldest(at now: MonotonicTime) {
        while oldest < kept.count, let entry = entries[kept[oldest]],
            byteCount > capacity || now >= entry.time + lifetime
        {
            remove(kept[oldest])
            oldest += 1
        }
        // Now and then, so that a key is moved once at most.
        if oldest > kept.count / 2 {
            kept.removeFirst(oldest)
            oldest = 0
        }
    }

    private mutating func remove(_ key: Key) {
        byteCount -= entries.removeValue(forKey: key)?.byteCount ?? 0
    }
}
