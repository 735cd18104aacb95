import Basics
import Tensor
import TestSupport
import Testing

@Suite struct GraphTests {
    @Test func constantsRecordNothing() {
        let x = Value(random([3, 4], seed: 1))
        let y = gelu(linear(x, weight: Value(random([4, 4], seed: 2)), bias: nil))
        #expect(!y.requiresGradient)
        #expect(!checkpoint([x]) { gelu($0[0]) }.requiresGradient)
        #expect(!Value.parameter(x.tensor).detached.requiresGradient)
        #expect((Value.parameter(x.tensor) + x).requiresGradient)
    }

    @Test func unreachedParametersGetZeros() {
        let (a, b) = (Value.parameter(Tensor(2)), Value.parameter(random([2, 3], seed: 1)))
        let found = gradients(of: (a * a).sum(), for: [b, a, Value(Tensor(7))])
        #expect(found[0].shape == [2, 3] && found[0].elements == Array(repeating: 0, count: 6))
        #expect(found[1].scalar == 4)
        #expect(found[2].scalar == 0)
    }

    /// A value used on several paths of different length: its gradient must be whole before it goes further down.
    @Test func diamondsAddUp() {
        let x = Value.parameter(Tensor(3))
        let a = x * x  // 9
        let b = a * x  // 27
        let c = a + b + a * b  // x² + x³ + x⁵
        #expect(gradients(of: c, for: [x])[0].scalar == 6 + 27 + 405)
    }

    @Test func intermediateValuesHaveGradientsToo() {
        let x = Value.parameter(Tensor(3))
        let middle = scale(x, by: 2)
        let found = gradients(of: middle * middle, for: [middle, x])
        #expect(found.map(\.scalar) == [12, 24])
    }

    @Test func seedsCarryAGradientAcrossASplitGraph() {
        let x = random([4, 3], seed: 1)
        let weight = random([3, 3], seed: 2)
        func lower(_ x: Value) -> Value { gelu(linear(x, weight: Value(weight), bias: nil)) }
        func upper(_ x: Value) -> Value { (x * x).sum() }
        let whole = Value.parameter(x)
        let expected = gradients(of: upper(lower(whole)), for: [whole])[0]
        let (bottom, cut) = (Value.parameter(x), Value.parameter(lower(Value(x)).tensor))
        let seed = gradients(of: upper(cut), for: [cut])[0]
        let found = gradients(of: lower(bottom), seed: seed, for: [bottom])[0]
        #expect(found.elements == expected.elements)
    }

    /// Neither the pass nor the release of the graph may recurse once per operation.
    @Test func longChainsDoNotExhaustTheStack() {
        let x = Value.parameter(Tensor(1))
        var y = x
        for _ in 0..<20_000 { y = scale(y, by: 1) }
        #expect(gradients(of: y, for: [x])[0].scalar == 1)
        y = x
        for _ in 0..<20_000 { y = scale(y, by: 1) }
        // Released here, never differentiated.
    }

    @Test func checkpointsRunAgainOnceInTheBackwardPass() {
        let runs = Lock(0)
        let (x, weight) = (Value.parameter(random([2, 3], seed: 1)), Value.parameter(random([3, 3], seed: 2)))
        let body: @Sendable ([Value]) -> Value = { inputs in
            runs.withLock { $0 += 1 }
            return gelu(linear(inputs[0], weight: inputs[1], bias: nil))
        }
        let plain = gradients(of: body([x, weight]).sum(), for: [x, weight])
        let loss = checkpoint([x, weight], body).sum()
        #expect(runs.withLock { $0 } == 2)
        let found = gradients(of: loss, for: [x, weight])
        #expect(runs.withLock { $0 } == 3)
        #expect(found.map(\.elements) == plain.map(\.elements))
    }

    /// What an operation keeps for its derivative is gone once its turn has passed, though the loss is still held.
    @Test func intermediatesAreFreedAsThePassProceeds() {
        final class Witness: Sendable {
            private let count: Lock<Int>
            init(_ count: Lock<Int>) {
                self.count = count
                count.withLock { $0 += 1 }
            }
            deinit { count.withLock { $0 -= 1 } }
        }
        let alive = Lock(0)
        let peak = Lock([Int]())
        let x = Value.parameter(Tensor(1))
        var y = x
        for _ in 0..<4 {
            let witness = Witness(alive)
            y = .operation(y.tensor, inputs: [y]) { gradient in
                withExtendedLifetime(witness) {}
                let now = alive.withLock { $0 }
                peak.withLock { $0.append(now) }
                return [gradient]
            }
        }
        _ = gradients(of: y, for: [x])
        #expect(peak.withLock { $0 } == [4, 3, 2, 1])
        #expect(alive.withLock { $0 } == 0)
        withExtendedLifetime(y) {}
    }

    /// Forward and backward through products, attention and norms: every result, to the bit.
    private func everyResult() -> [[Float]] {
        let inputs = [random([1, 400, 32], seed: 1), random([39, 8], seed: 2), random([39, 8], seed: 3)]
        let parameters = inputs.map(Value.parameter)
        let attended = relativePositionAttention(
            q: parameters[0], k: parameters[0], v: parameters[0], relH: parameters[1], relW: parameters[2],
            heads: 4, height: 20, width: 20)
        let weight = Value.parameter(random([64, 32], seed: 4))
        let norm = Value.parameter(random([64], seed: 5))
        let padding = Value.parameter(random([64], seed: 6))
        let table = Value.parameter(random([15, 16], seed: 7))
        let map = linear(attended, weight: weight, bias: nil).reshaped([1, 20, 20, 64])
        let mixed = windowAttention(
            q: map, k: map, v: map, keyPadding: padding, valuePadding: norm, relH: table, relW: table, heads: 4,
            window: 8)
        // Deep and wide enough for several pieces each way.
        let wide = Value(random([700, 64], seed: 8))
        let back = linear(
            linear(mixed, weight: wide, bias: nil), weight: Value(random([64, 700], seed: 9)), bias: nil,
            residual: map)
        let y = layerNorm(back, weight: norm, bias: norm, epsilon: 1e-5)
        let all = parameters + [weight, norm, padding, table]
        return [y.tensor.elements] + gradients(of: (y * y).sum(), for: all).map(\.elements)
    }

    @Test func resultsDoNotDependOnTheNumberOfThreads() {
        let before = Threads.count
        defer { Threads.count = before }
        Threads.count = 1
        let one = everyResult()
        Threads.count = 5
        #expect(everyResult() == one)
    }

    @Test(arguments: [0.0, 0.5, 1.0]) func resultsDoNotDependOnInterruptions(_ share: Double) {
        let others = Interruptions(share: share)
        let held = Threads.givingWay(to: others) { everyResult() }
        #expect(others.asked > 0)
        #expect(held == everyResult())
    }

    @Test func misuseTraps() async {
        await #expect(processExitsWith: .failure) {
            let x = Value.parameter(Tensor(1))
            let y = x * x
            _ = gradients(of: y, for: [x])
            _ = gradients(of: y, for: [x])
        }
        await #expect(processExitsWith: .failure) {
            _ = linear(Value(Tensor(zeros: [2, 3])), weight: Value(Tensor(zeros: [4, 5])), bias: nil)
        }
        await #expect(processExitsWith: .failure) {
            _ = Value(Tensor(zeros: [2, 3])) + Value(Tensor(zeros: [2]))
        }
    }
}
