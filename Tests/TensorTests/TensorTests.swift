import Basics
import Dispatch
import Tensor
import TestSupport
import Testing

@Suite struct TensorTests {
    @Test func indexing() {
        let x = Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6])
        #expect(x.count == 6 && x[0, 2] == 3 && x[1, 0] == 4)
        #expect(x.reshaped([3, 2])[2, 0] == 5)
        #expect(x.rows(1..<2).elements == [4, 5, 6] && x.rows(1..<2).shape == [1, 3])
        #expect(x.rows(2..<2).count == 0)
        #expect(x.reshaped([3, 2]).rows(1..<3).reshaped([4]).elements == [3, 4, 5, 6])
        #expect(Tensor(5).shape == [] && Tensor(5).scalar == 5)
        #expect(Tensor(filled: 2, shape: [0, 4]).elements == [])
        #expect(x.description == "Tensor[2, 3][1.0, 2.0, 3.0, 4.0, 5.0, 6.0]")
    }

    @Test func stacking() {
        let (a, b) = (Tensor(shape: [2], [1, 2]), Tensor(shape: [2], [3, 4]))
        #expect(Tensor.stacked([a, b]).shape == [2, 2])
        #expect(Tensor.stacked([a, b]).elements == [1, 2, 3, 4])
    }

    @Test func finiteness() {
        #expect(Tensor(shape: [2], [1, -.greatestFiniteMagnitude]).isFinite)
        #expect(!Tensor(shape: [2], [1, .infinity]).isFinite)
        #expect(!Tensor(shape: [2], [.nan, 1]).isFinite)
    }

    /// Blocks are reused once their tensor is gone, never while it is there.
    @Test func storageIsNotSharedByAccident() {
        let kept = Tensor(filled: 1, shape: [100_000])
        for round in 0..<20 {
            let other = Tensor(filled: Float(round) + 2, shape: [100_000])
            #expect(other.elements.allSatisfy { $0 == Float(round) + 2 })
        }
        #expect(kept.elements.allSatisfy { $0 == 1 })
    }

    @Test func adamWLeavesItsArgumentsAlone() {
        let (start, slope) = (Tensor(shape: [2], [1, -1]), Tensor(shape: [2], [0.5, 3]))
        var moments = AdamWMoments(like: start)
        let earlier = moments
        let optimizer = AdamW(learningRate: 0.1)
        var parameter = optimizer.step(start, gradient: slope, moments: &moments)
        // The first step is the rate, in the direction against the gradient, whatever its size.
        #expect(relativeError(parameter.elements, [0.9, -1.1]) < 1e-6)
        #expect(start.elements == [1, -1] && earlier.first.elements == [0, 0] && moments.step == 1)
        for _ in 0..<3 { parameter = optimizer.step(parameter, gradient: slope, moments: &moments) }
        #expect(relativeError(parameter.elements, [0.6, -1.4]) < 1e-5)
    }

    @Test func adamWFindsAMinimum() {
        let target = random([10], seed: 1)
        var x = Tensor(zeros: [10])
        var moments = AdamWMoments(like: x)
        let optimizer = AdamW(learningRate: 0.05)
        for _ in 0..<400 {
            let parameter = Value.parameter(x)
            let difference = parameter - Value(target)
            let slope = gradients(of: (difference * difference).sum(), for: [parameter])[0]
            x = optimizer.step(x, gradient: slope, moments: &moments)
        }
        #expect(relativeError(x.elements, target.elements) < 1e-3)
    }
}

@Suite struct ThreadsTests {
    @Test(arguments: [0, 1, 2, 7, 1000]) func everyIndexOnce(_ count: Int) {
        let seen = Lock([Int](repeating: 0, count: count))
        Threads.forEach(count) { index in seen.withLock { $0[index] += 1 } }
        #expect(seen.withLock { $0 }.allSatisfy { $0 == 1 })
    }

    @Test(arguments: [(0, 1), (1, 1), (10, 3), (100, 1), (17, 16), (5, 100)])
    func slicesCoverTheRange(_ count: Int, _ minimum: Int) {
        let seen = Lock([Range<Int>]())
        Threads.forEachSlice(of: count, minimum: minimum) { range in seen.withLock { $0.append(range) } }
        let sorted = seen.withLock { $0 }.sorted { $0.lowerBound < $1.lowerBound }
        #expect(sorted.flatMap(Array.init) == Array(0..<count))
        #expect(sorted.dropLast().allSatisfy { $0.count >= minimum })
        #expect(sorted.count <= 16)
    }

    @Test func nests() {
        let total = Lock(0)
        Threads.forEach(4) { _ in Threads.forEach(4) { _ in total.withLock { $0 += 1 } } }
        #expect(total.withLock { $0 } == 16)
    }

    @Test(arguments: [0, 1, 2, 7, 1000]) func everyIndexOnceWhateverComesBetween(_ count: Int) {
        let seen = Lock([Int](repeating: 0, count: count))
        Threads.givingWay(to: Interruptions(share: 0.7)) {
            Threads.forEach(count) { index in seen.withLock { $0[index] += 1 } }
        }
        #expect(seen.withLock { $0 }.allSatisfy { $0 == 1 })
    }

    @Test(arguments: [0, 1, 2, 7, 100]) func wholePiecesComeInOrder(_ count: Int) {
        #expect(Threads.mapWhole(count) { $0 * $0 } == (0..<count).map { $0 * $0 })
    }

    /// Inside a piece nothing is spread further, and everything still lets others go first, on whichever thread it is.
    @Test func aWholePieceHasOneThread() {
        let before = Threads.count
        defer { Threads.count = before }
        Threads.count = 4
        let others = Interruptions(share: 0)
        let counts = Threads.givingWay(to: others) {
            Threads.mapWhole(8) { _ in
                Threads.forEach(3) { _ in }
                return [Threads.count] + Threads.mapWhole(2) { _ in Threads.count }
            }
        }
        #expect(counts == [[Int]](repeating: [1, 1, 1], count: 8))
        #expect(others.asked >= 24)
        #expect(Threads.count == 4)
    }

    /// Nobody waits for another's pieces, which may in turn be waiting for whoever goes first.
    @Test func wholePiecesDoNotWaitForAnothers() {
        let (begun, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let (first, second) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        DispatchQueue(label: "first").async { @Sendable in
            _ = Threads.mapWhole(2) { _ in
                begun.signal()
                mayEnd.wait()
            }
            first.signal()
        }
        begun.wait()
        DispatchQueue(label: "second").async { @Sendable in
            #expect(Threads.mapWhole(8) { $0 } == Array(0..<8))
            second.signal()
        }
        #expect(second.wait(timeout: .now() + .seconds(60)) == .success)
        for _ in 0..<2 { mayEnd.signal() }
        first.wait()
    }

    @Test func theWayIsGivenByTheWorkItselfAlone() {
        let others = Interruptions(share: 1)
        Threads.givingWay(to: others) {}
        Threads.forEach(8) { _ in }
        #expect(others.asked == 0)
    }
}

/// Somebody who comes between at random, and never stays.
final class Interruptions: RightOfWay {
    private let state: Lock<(random: SeededRandom, asked: Int)>
    private let share: Double

    /// - Parameter share: How often the way is claimed, from 0 (never) to 1 (before every slice).
    init(share: Double) {
        self.share = share
        state = Lock((SeededRandom(seed: 5), 0))
    }

    var asked: Int { state.withLock { $0.asked } }

    var isClaimed: Bool {
        state.withLock { state in
            state.asked += 1
            return Double(state.random.uniform()) < share
        }
    }

    func giveWay() { _ = isClaimed }
}
