import API
import Basics
import Dispatch
import Glibc
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct InteractiveGateTests {
    @Test func aJobWaitsUntilNobodyDoes() async throws {
        let gate = InteractiveGate(patience: .seconds(600))
        let order = Lock<[String]>([])
        let (paused, resumed) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        try await gate.interactive {
            DispatchQueue(label: "job").async { @Sendable in
                paused.signal()
                gate.giveWay()
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
        let gate = InteractiveGate(patience: .milliseconds(10), turn: .seconds(600))
        await gate.interactive {
            #expect(gate.isClaimed)
            // Returns although the request is still there, and then is the job's turn.
            gate.giveWay()
            #expect(!gate.isClaimed)
            gate.giveWay()
        }
    }

    /// What a job has slowed, as it had a turn beside it, is not what the machine can do: it is measured again.
    @Test func aSpeedThatAJobHasSlowedIsNotKept() async throws {
        let gate = InteractiveGate(patience: .milliseconds(1), turn: .zero)
        let (probes, model) = (SpeedProbes(), SegmentAnythingModel(configuration: .tiny, randomSeed: 7))
        /// - Returns: Whether it was measured.
        func measure(beside job: Bool) throws -> Bool {
            var isMeasured = false
            _ = try probes.measured(model, beside: gate) {
                isMeasured = true
                if job { gate.giveWay() }
                return false
            }
            return isMeasured
        }
        let found = try await gate.interactive { try [true, false, false].map(measure) }
        #expect(found == [true, true, false])
    }

    /// So that a measurement can leave it out.
    @Test func whatWasWaitedForIsCounted() async {
        let gate = InteractiveGate(patience: .milliseconds(10), turn: .seconds(600))
        @Sendable func waited() -> Duration {
            Threads.givingWay(to: gate) {
                Threads.countingWaits { waited in
                    Threads.forEach(3) { _ in }
                    return waited()
                }
            }
        }
        #expect(waited() == .zero)
        await gate.interactive { #expect(waited() >= .milliseconds(5)) }
        #expect(Threads.countingWaits { waited in waited() } == .zero)
    }

    /// A request that comes in the middle of an operation waits for the slices under way and no more.
    @Test func aJobStopsBetweenTwoSlices() async throws {
        let gate = InteractiveGate(patience: .seconds(600))
        let (done, hasCome) = (Lock(0), Lock(false))
        let (begun, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let finished = DispatchSemaphore(value: 0)
        let count = 1_000
        DispatchQueue(label: "job").async { @Sendable in
            Threads.givingWay(to: gate) {
                Threads.forEach(count) { index in
                    if index == 0 {
                        begun.signal()
                        mayEnd.wait()
                    }
                    // The others wait until the request is there, so that it finds work left.
                    while index > 0, done.withLock({ $0 }) > 100, !hasCome.withLock({ $0 }) { usleep(1_000) }
                    done.withLock { $0 += 1 }
                }
            }
            finished.signal()
        }
        await wait(begun)
        let seen = await gate.interactive {
            hasCome.withLock { $0 = true }
            mayEnd.signal()
            // Each thread may still end the slice it has; then nothing moves.
            var last = -1
            while true {
                let now = done.withLock { $0 }
                if now == last { return now }
                last = now
                usleep(50_000)
            }
        }
        #expect(seen < count)
        await wait(finished)
        #expect(done.withLock { $0 } == count)
    }

    @Test func aFailedRequestLetsGo() async {
        struct Failure: Error {}
        let gate = InteractiveGate(patience: .seconds(600))
        await #expect(throws: Failure.self) { try await gate.interactive { throw Failure() } }
        #expect(!gate.isClaimed)
        gate.giveWay()
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
