import API
import Basics
import Dispatch
import Testing

@Suite struct InteractiveGateTests {
    @Test func aJobWaitsUntilNobodyDoes() async throws {
        let gate = InteractiveGate()
        let order = Lock<[String]>([])
        let (paused, resumed) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        try await gate.interactive {
            DispatchQueue(label: "job").async { @Sendable in
                paused.signal()
                gate.pauseJob(atMost: .seconds(60))
                order.withLock { $0.append("job") }
                resumed.signal()
            }
            await wait(paused)
            try await Task.sleep(for: .milliseconds(30))
            order.withLock { $0.append("request") }
        }
        await wait(resumed)
        #expect(order.withLock { $0 } == ["request", "job"])
    }

    @Test func aJobIsNotStoppedForEver() async {
        let gate = InteractiveGate()
        await gate.interactive {
            // Returns although the request is still there.
            gate.pauseJob(atMost: .milliseconds(10))
        }
    }

    @Test func aFailedRequestLetsGo() async {
        struct Failure: Error {}
        let gate = InteractiveGate()
        await #expect(throws: Failure.self) { try await gate.interactive { throw Failure() } }
        gate.pauseJob(atMost: .seconds(60))
    }

    private func wait(_ semaphore: DispatchSemaphore) async {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "wait").async { @Sendable in
                semaphore.wait()
                continuation.resume()
            }
        }
    }
}
