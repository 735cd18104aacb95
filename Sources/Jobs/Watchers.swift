import Storage

/// Who watches which job, and what they have yet to be told. A pure value: the queue around it delivers.
///
/// Changes that come faster than they are delivered are merged: a watcher sees the newest state, never an older one after
/// it, and always the final one.
struct Watchers {
    typealias Handler = @Sendable (Job) -> Void

    private struct Watched {
        /// The newest state; nil until the first is known.
        var job: Job?
        var handlers: [UInt64: (handler: Handler, told: Int?)] = [:]
        var isDeliveryScheduled = false
    }

    private var jobs: [String: Watched] = [:]
    private var nextID: UInt64 = 0

    /// Registers a handler, which is told nothing before `change` gives the job's state.
    mutating func add(_ id: String, _ handler: @escaping Handler) -> UInt64 {
        nextID += 1
        jobs[id, default: Watched()].handlers[nextID] = (handler, nil)
        return nextID
    }

    mutating func remove(_ handler: UInt64, of id: String) {
        jobs[id]?.handlers[handler] = nil
        if jobs[id]?.handlers.isEmpty == true { jobs[id] = nil }
    }

    /// The newest state that is known of a watched job.
    func latest(_ id: String) -> Job? { jobs[id]?.job }

    /// Takes note of a job's state, unless a newer one is known. True when a delivery is to be scheduled.
    mutating func change(_ job: Job) -> Bool {
        guard var watched = jobs[job.id] else { return false }
        if let known = watched.job, known.state.isFinal || known.revision > job.revision {
            // The newer state stays; a handler that joined just now still has to hear it.
        } else {
            watched.job = job
        }
        let isNew = !watched.isDeliveryScheduled
        watched.isDeliveryScheduled = true
        jobs[job.id] = watched
        return isNew
    }

    /// The calls to make now. After a final state the watch is over.
    mutating func deliveries(_ id: String) -> (job: Job, handlers: [Handler])? {
        guard var watched = jobs[id], let job = watched.job else { return nil }
        watched.isDeliveryScheduled = false
        var due: [Handler] = []
        for key in watched.handlers.keys.sorted() {
            guard let entry = watched.handlers[key], entry.told.map({ $0 < job.revision }) ?? true else { continue }
            due.append(entry.handler)
            watched.handlers[key]?.told = job.revision
        }
        jobs[id] = job.state.isFinal ? nil : watched
        return (job, due)
    }
}
