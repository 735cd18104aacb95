import Adaptation
import Basics
import Glibc
import TestSupport
import Testing

@Suite struct PairedTestTests {
    /// The p value by the definition, with the tail of Student's density added up in small steps.
    private func naive(_ differences: [Double], margin: Double) -> Double {
        let count = Double(differences.count)
        let mean = differences.reduce(0, +) / count
        let squares = differences.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
        let freedom = 2 + count - 1
        let t = (mean - margin) / ((2 * 0.05 * 0.05 + squares) / freedom / count).squareRoot()
        let scale = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / (freedom * .pi).squareRoot()
        let width = 1e-4
        let body = stride(from: 0, to: abs(t), by: width).reduce(0.0) { sum, x in
            let step = min(width, abs(t) - x)
            return sum + step * scale * pow(1 + (x + step / 2) * (x + step / 2) / freedom, -(freedom + 1) / 2)
        }
        return t > 0 ? 0.5 - body : 0.5 + body
    }

    static let samples: [[Double]] = [
        [0.1], [0, 0], [0.02, 0.03], [-0.01, 0.04, 0.02], [0.3, 0.31, 0.29, 0.3], [-0.2, 0.1, 0.05, -0.07, 0.01],
        Array(repeating: 0.01, count: 40),
    ]

    @Test(arguments: samples) func matchesTheDefinition(_ sample: [Double]) {
        for margin in [-0.05, 0, 0.02] {
            let (found, expected) = (PairedTest(sample, above: margin).pValue, naive(sample, margin: margin))
            #expect(abs(found - expected) < 1e-6, "\(found) \(expected)")
        }
    }

    @Test func agreementOfTwoIsNoCertainty() {
        // Without a prior spread these would have a p value of 0.
        #expect(PairedTest([0.01, 0.01], above: 0).pValue > 0.2)
        #expect(PairedTest([0.3, 0.3], above: 0).pValue < 0.02)
        #expect(PairedTest([-0.3, -0.3], above: 0).pValue > 0.98)
    }
}

@Suite struct IntervalTests {
    private static let anything = -Double.infinity...Double.infinity

    @Test func patientsCountWhole() throws {
        let alone = try #require(Interval((0..<12).map { ($0, $0 < 6 ? 0.0 : 1.0) }, within: 0...1))
        let paired = try #require(Interval((0..<12).map { ($0 / 6, $0 < 6 ? 0.0 : 1.0) }, within: 0...1))
        #expect(alone.mean == 0.5 && paired.mean == 0.5)
        // Twelve patients say more than two with six images each.
        #expect(paired.low == 0 && paired.high == 1)
        let (low, high) = (try #require(alone.low), try #require(alone.high))
        // scipy.stats.ttest_1samp([0] * 6 + [1] * 6, 0).confidence_interval()
        #expect(abs(low - 0.168189) < 1e-5 && abs(high - 0.831811) < 1e-5)
    }

    /// With few patients too, 95 of 100 intervals hold the true mean.
    @Test(arguments: [2, 3, 5, 8]) func coverage(_ patients: Int) throws {
        var (random, held) = (SeededRandom(seed: UInt64(patients)), 0)
        for _ in 0..<4_000 {
            // Sums of uniform numbers are near enough to normal ones.
            let values = (0..<patients).map { patient in
                (patient: patient, value: (0..<12).reduce(0.0) { sum, _ in sum + Double(random.uniform()) } - 6)
            }
            let interval = try #require(Interval(values, within: Self.anything))
            if let low = interval.low, let high = interval.high, (low...high).contains(0) { held += 1 }
        }
        #expect((0.94...0.96).contains(Double(held) / 4_000), "\(held)")
    }

    /// scipy.stats.t.ppf
    @Test(arguments: [(1.0, 12.706205), (2, 4.302653), (7, 2.364624), (30.5, 2.040869), (1e6, 1.959966)])
    func quantiles(_ freedom: Double, _ expected: Double) {
        #expect(abs(StudentT.quantile(0.975, freedom: freedom) - expected) < 1e-5)
    }

    /// One patient has a mean, and says nothing about others, however many images there are.
    @Test func onePatientHasNoInterval() throws {
        #expect(Interval([], within: 0...1) == nil)
        let alone = try #require(Interval([(7, 0.25), (7, 0.75)], within: 0...1))
        #expect(alone.mean == 0.5 && alone.low == nil && alone.high == nil)
    }
}
