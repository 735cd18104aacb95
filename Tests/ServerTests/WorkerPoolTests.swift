import Basics
import Dispatch
import Server
import Testing

@Suite struct WorkerPoolTests {
    private final class Held: Sendable {}

    /// What a job holds goes when the job is done, though others wait behind it for as long as they like.
    @Test func letsGoOfJobsThatAreDone() throws {
        let pool = WorkerPool(label: "test", width: 1)
        let (first, third) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let (thirdRuns, over) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let isHeld = Lock(false)
        pool.submit { first.wait() }
        weak let held = { () -> Held in
            let held = Held()
            pool.submit { isHeld.withLock { $0 = withExtendedLifetime(held) { true } } }
            return held
        }()
        pool.submit {
            thirdRuns.signal()
            third.wait()
        }
        pool.submit { over.signal() }
        #expect(held != nil)
        first.signal()
        thirdRuns.wait()
        let wasHeld = isHeld.withLock { $0 }
        #expect(wasHeld && held == nil)
        third.signal()
        over.wait()
    }
}
