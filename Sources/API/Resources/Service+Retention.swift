import Basics
import Jobs
import Logging
import Storage

/// Removes what has been kept for as long as `--retention` says.
extension Service {
    /// - Returns: How many tasks, images and days of the audit log are gone.
    @discardableResult
    package func removeExpired() -> Int {
        guard let retention = configuration.retention else { return 0 }
        let age = Int64(clamping: Int(retention / .milliseconds(1)))
        let limit = Timestamp(milliseconds: configuration.clock.now().milliseconds - age)
        var count = 0
        /// One that cannot be removed keeps none of the others.
        func attempt(_ body: () throws -> Void) {
            do {
                try body()
            } catch {
                log.error("what has expired cannot be removed", metadata: ["error": "\(error)"])
            }
        }
        attempt {
            let expired = try store.expired(before: limit)
            for task in expired.tasks {
                // One to which examples were added in the meantime has a job again, and stays.
                attempt { if try remove(task: task, ifExpiredBefore: limit) != nil { count += 1 } }
            }
            for image in expired.images {
                attempt { if try !remove(image: image.id, owner: image.owner).isEmpty { count += 1 } }
            }
        }
        count += auditLog?.removeDays(before: limit) ?? 0
        if count > 0 { log.notice("removed what had expired", metadata: ["count": "\(count)"]) }
        return count
    }

    /// Deletes a task with all that is kept of it, in files, rows and caches; nil when there is none.
    ///
    /// - Parameter limit: See `Store.deleteTask`.
    func remove(task id: String, ifExpiredBefore limit: Timestamp? = nil) throws -> Deletion? {
        let hashes = (try? store.adapters(of: id).map(\.sha256)) ?? []
        let owner = try store.task(id)?.owner
        // Whatever becomes of the files: what is forgotten too early is made again.
        defer {
            adapters.remove { hashes.contains($0) }
            profiles.remove(task: id)
            embeddings.remove { $0.adapter.map(hashes.contains) ?? false }
            idempotency.withLock { $0.forget(owner: owner) }
        }
        return try jobs.deleteTask(id, ifExpiredBefore: limit)
    }

    /// Deletes an image with all that is kept of it. Returns the bytes of each file that is gone.
    ///
    /// - Parameter owner: Whose copy; nil: everybody's; empty: nobody's, as the store has it.
    func remove(image id: String, owner: String?) throws -> [Int] {
        defer {
            if let hash = ImageIdentifier.hash(id) { embeddings.remove { $0.pixels == hash } }
            idempotency.withLock { $0.forget(owner: owner?.isEmpty == false ? owner : nil) }
        }
        return try store.deleteImage(id, owner: owner)
    }
}
