import Basics
import Dispatch
import Testing

struct HexTests {
    @Test func roundTrips() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(Hex.bytes(Hex.string(bytes)) == bytes)
        #expect(Hex.string([0x00, 0x0f, 0xa5]) == "000fa5")
        #expect(Hex.bytes("A5ff") == [0xa5, 0xff])
    }

    @Test(arguments: ["0", "0g", "0x", "é1", " 1"]) func refusesOtherText(_ text: String) {
        #expect(Hex.bytes(text) == nil)
    }
}

struct IdentifierTests {
    @Test func madeOnesAreWellFormedAndDistinct() {
        let made = (0..<1000).map { _ in Identifier.make("task") }
        #expect(Set(made).count == made.count)
        #expect(made.allSatisfy { Identifier.isWellFormed($0, prefix: "task") })
    }

    @Test(arguments: [
        "", "task_", "task_short", "job_0123456789abcdef", "task_../../etc/passwd", "task_0123456789abcdeF",
    ])
    func refusesOtherForms(_ text: String) {
        #expect(!Identifier.isWellFormed(text, prefix: "task"))
    }
}

struct QuantileTests {
    // numpy.quantile([1, 2, 4, 8], q), NumPy 2.
    @Test(arguments: [(0, 1), (0.25, 1.75), (0.5, 3), (0.9, 6.8), (1, 8)] as [(Double, Double)])
    func isLinearBetweenRanks(_ share: Double, _ value: Double) {
        #expect(abs([1, 2, 4, 8].quantile(share) - value) < 1e-12)
        #expect([5.0].quantile(share) == 5)
    }
}

struct SeededRandomTests {
    @Test func sameSeedSameSequence() {
        var (first, second) = (SeededRandom(seed: 7), SeededRandom(seed: 7))
        #expect((0..<100).allSatisfy { _ in first.next() == second.next() })
    }

    // First outputs of SplitMix64 from state 0, as published with the reference implementation.
    @Test func matchesReference() {
        var random = SeededRandom(seed: 0)
        #expect(random.next() == 0xE220_A839_7B1D_CDAF)
        #expect(random.next() == 0x6E78_9E6A_A1B9_65F4)
    }

    @Test func uniformStaysInRange() {
        var random = SeededRandom(seed: 1)
        #expect((0..<10_000).allSatisfy { _ in (0..<1).contains(random.uniform()) })
    }
}

struct LockTests {
    @Test func countsEveryIncrement() {
        let counter = Lock(0)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<1000 { counter.withLock { $0 += 1 } }
        }
        #expect(counter.withLock { $0 } == 8000)
    }
}
