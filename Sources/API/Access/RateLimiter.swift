package import Posix

/// A bucket for each token: it holds a minute's worth of requests, and fills at a steady rate. Pure; time is passed in.
package struct RateLimiter: Sendable {
    private struct Bucket {
        var level: Double
        var seen: MonotonicTime
    }

    private var buckets: [String: Bucket] = [:]

    package init() {}

    /// Takes one request from the bucket of `key`.
    /// - Returns: Nil when there was one; else the time until there is.
    package mutating func take(_ key: String, perMinute: Int, at now: MonotonicTime) -> Duration? {
        let capacity = Double(max(1, perMinute))
        var bucket = buckets[key] ?? Bucket(level: capacity, seen: now)
        let elapsed = now.since(bucket.seen) / .seconds(1)
        bucket.level = min(capacity, bucket.level + elapsed * capacity / 60)
        bucket.seen = now
        defer { buckets[key] = bucket }
        guard bucket.level >= 1 else { return .seconds((1 - bucket.level) * 60 / capacity) }
        bucket.level -= 1
        return nil
    }

    /// Forgets tokens that are no more.
    mutating func keep(_ keys: Set<String>) { buckets = buckets.filter { keys.contains($0.key) } }
}
