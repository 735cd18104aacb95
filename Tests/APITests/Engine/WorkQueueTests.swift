import API
import Basics
import Dispatch
import Testing

@Suite struct WorkQueueTests {
    @Test func runsOneAfterTheOther() async throws {
        let queue = WorkQueue(label: "test", capacity: 100)
        let running = Lock(0)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await queue.run {
                        let count = running.withLock { running in
                            running += 1
                            return running
                        }
                        running.withLock { $0 -= 1 }
                        return count
                    }
                }
            }
            for try await count in group { #expect(count == 1) }
        }
    }

    @Test func refusesMoreThanItsCapacity() async throws {
        let queue = WorkQueue(label: "test", capacity: 1)
        let (begun, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let first = queue.run {
            begun.signal()
            gate.wait()
            return 1
        }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { @Sendable in
                begun.wait()
                continuation.resume()
            }
        }
        let problem = await #expect(throws: Problem.self) { try await queue.run { 2 } }
        #expect(problem?.kind == .busy)
        #expect(problem?.headers.contains { $0.name == "Retry-After" } == true)
        gate.signal()
        #expect(try await first == 1)
        #expect(try await queue.run { 3 } == 3)
    }

    @Test func passesErrorsOn() async {
        struct Failure: Error {}
        let queue = WorkQueue(label: "test", capacity: 1)
        await #expect(throws: Failure.self) { try await queue.run { throw Failure() } }
    }
}
