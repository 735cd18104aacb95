import Basics
import Dispatch
import Glibc
import Synchronization

/// The one pool of the engine: Dispatch, through which every operation spreads its slices.
package enum Threads {
    private static let limit = Atomic<Int>(max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))

    /// Whether the calling thread does a piece of `mapWhole`.
    @TaskLocal private static var isAlone = false

    /// How many threads one operation may use; at first the processor's cores. Process-wide, but 1 in a piece of `mapWhole`.
    ///
    /// Results do not depend on it: what is computed in which order is a matter of shapes.
    package static var count: Int {
        get { isAlone ? 1 : limit.load(ordering: .relaxed) }
        set { limit.store(max(1, newValue), ordering: .relaxed) }
    }

    /// Calls `body` for every index below `count`, in parallel, each exactly once; returns when all are done.
    package static func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
        let workers = min(count, self.count)
        let others = rightOfWay
        guard workers > 1 else {
            for index in 0..<max(0, count) {
                others?.giveWay()
                body(index)
            }
            return
        }
        // Indices are drawn, not dealt: a thread that the system holds up delays only the slice it has.
        let next = Counter()
        repeat {
            // Only the calling thread waits. The helpers go back to the pool, which those who are let past need.
            others?.giveWay()
            DispatchQueue.concurrentPerform(iterations: workers) { @Sendable _ in
                repeat {
                    let index = next.take()
                    guard index < count else { return }
                    body(index)
                } while others?.isClaimed != true
            }
        } while next.isBelow(count)
    }

    /// Cuts 0..<count into at most `pieces` nearly equal ranges of at least `minimum` (but for the last) and runs
    /// `body` on them in parallel.
    package static func forEachSlice(
        of count: Int, minimum: Int, pieces: Int = 16, _ body: @Sendable (Range<Int>) -> Void
    ) {
        guard count > 0 else { return }
        let size = max(max(1, minimum), (count + pieces - 1) / pieces)
        forEach((count + size - 1) / size) { index in
            body(index * size..<min(count, (index + 1) * size))
        }
    }

    // Threads of their own: a piece that lets others go first blocks its thread, which must then not be one of the pool's.
    private static let lanes = (0..<15).map { DispatchQueue(label: "gmiseg.lane.\($0)") }
    private static let areLanesTaken = Atomic<Bool>(false)

    /// The results of `body` for every index below `count`, as many at once as there are threads, each on one thread from beginning
    /// to end: for pieces of work whose operations are too small to be cut. A second caller at a time does its pieces by itself, one after
    /// the other: those of the first wait for others who go first, and the second's would wait behind them.
    package static func mapWhole<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Result) -> [Result] {
        let workers = min(count, self.count, lanes.count + 1)
        guard workers > 1 else { return (0..<max(0, count)).map(body) }
        guard !areLanesTaken.exchange(true, ordering: .acquiring) else {
            return $isAlone.withValue(true) { (0..<count).map(body) }
        }
        defer { areLanesTaken.store(false, ordering: .releasing) }
        let (next, others) = (Counter(), rightOfWay)
        let results = Lock([Result?](repeating: nil, count: count))
        withoutActuallyEscaping(body) { body in
            let work = { @Sendable in
                $isAlone.withValue(true) {
                    var index = next.take()
                    while index < count {
                        let result = body(index)
                        results.withLock { $0[index] = result }
                        index = next.take()
                    }
                }
            }
            let group = DispatchGroup()
            for lane in lanes.prefix(workers - 1) {
                lane.async(group: group) {
                    if let others { givingWay(to: others, work) } else { work() }
                }
            }
            work()
            group.wait()
        }
        return results.withLock { $0.compactMap(\.self) }
    }

    private final class Counter: Sendable {
        private let value = Atomic<Int>(0)
        func take() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
        func isBelow(_ count: Int) -> Bool { value.load(ordering: .relaxed) < count }
    }
}
