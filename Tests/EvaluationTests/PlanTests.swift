import Adaptation
import Evaluation
import Testing

struct SupportDrawTests {
    private let stems = (0..<20).map { "p\($0 / 2)-s\($0)" }

    private func draw(_ sizes: [Int], limit: Int? = nil, seed: UInt64 = 1, pattern: String? = nil) -> SupportDraw {
        let patient = PatientPattern(pattern)
        return SupportDraw(
            stems: stems, sizes: sizes, limit: limit, patient: { patient.patient(of: $0) }, key: DrawKey(seed: seed))
    }

    @Test func supportAndTestShareNothing() {
        let draw = draw([1, 4, 8])
        #expect(draw.pool.count == 8 && Set(draw.pool).count == 8)
        #expect(draw.test.count == 12 && Set(draw.test).isDisjoint(with: draw.pool))
        #expect(draw.omitted.isEmpty)
        // The order of the test images stays, so that a limit takes the same ones.
        #expect(draw.test == stems.filter { !draw.pool.contains($0) })
        #expect(self.draw([1, 4, 8], limit: 5).test == Array(draw.test.prefix(5)))
    }

    @Test func patientsAreNotSplit() {
        for seed: UInt64 in 0..<20 {
            let draw = draw([5], seed: seed, pattern: "^(p[0-9]+)-")
            let patients = Set(draw.pool.map { $0.split(separator: "-")[0] })
            #expect(draw.test.allSatisfy { !patients.contains($0.split(separator: "-")[0]) })
            #expect(draw.test.count == 20 - 2 * patients.count)
        }
    }

    @Test func sizesThatLeaveTooLittleAreLeftOut() {
        let draw = draw([4, 16, 17, 64])
        #expect(draw.pool.count == 16 && draw.test.count == 4 && draw.omitted == [17, 64])
        let none = self.draw([18, 20])
        #expect(none.pool.isEmpty && none.test.isEmpty && none.omitted == [18, 20])
    }

    @Test func seedsDrawDifferently() {
        #expect(draw([4], seed: 1) == draw([4], seed: 1))
        #expect(draw([4], seed: 1).pool != draw([4], seed: 2).pool)
    }
}

struct PatientPatternTests {
    @Test(arguments: [
        ("^(case[0-9]+)", "case12_day3", "case12"), ("^(case[0-9]+)", "other_3", "other_3"), ("_(.*)$", "a_b_c", "b_c"),
        ("(x)?y", "y", "y"),
    ]) func findsPatients(_ pattern: String, _ stem: String, _ patient: String) {
        #expect(PatientPattern(pattern).patient(of: stem) == patient)
        #expect(PatientPattern(nil).patient(of: stem) == stem)
    }

    @Test(arguments: [("(a)", true), ("a", false), ("(a", false), ("", false), ("^(p[0-9]+)-s([0-9])", true)])
    func needsAGroup(_ pattern: String, _ isValid: Bool) { #expect(PatientPattern.isValid(pattern) == isValid) }
}

struct LabelChoiceTests {
    @Test(arguments: [
        ("each", LabelChoice.each), ("merge", .merged), ("2", .only([2])), ("7,2,7", .only([2, 7])), ("", nil),
        ("0", nil), ("1,", nil), ("-1", nil), ("70000", nil), ("liver", nil),
    ]) func reads(_ text: String, _ choice: LabelChoice?) { #expect(LabelChoice(text) == choice) }
}

struct EstimateTests {
    private func samples(_ values: [Double], _ dataset: String = "a") -> [Sample] {
        values.enumerated().map { Sample(dataset: dataset, patient: "\($0)", value: $1) }
    }

    private func estimate(_ samples: [Sample]) throws -> Estimate {
        try #require(Estimate(samples, within: -.infinity ... .infinity))
    }

    @Test func meansAreOfDatasetsThenOfTheirTargets() throws {
        let estimate = try estimate(samples([0, 1, 1, 1, 1, 1, 1, 1]) + samples([0, 0], "b"))
        #expect(abs(estimate.mean - 0.4375) < 1e-12)
    }

    /// `scipy.stats.ttest_1samp([0, 0.2, 0.9, 1], 0).confidence_interval()`.
    @Test func intervalsAreStudents() throws {
        let estimate = try estimate(samples([0, 0.2, 0.9, 1]))
        #expect(abs((estimate.low ?? 9) + 0.269284) < 1e-5 && abs((estimate.high ?? 9) - 1.319284) < 1e-5)
        let cut = try #require(Estimate(samples([0, 0.2, 0.9, 1]), within: 0...1))
        #expect(cut.low == 0 && cut.high == 1)
    }

    /// `scipy.stats.ttest_ind(a, -b, equal_var=False).confidence_interval()`, halved: of a mean of two means by Welch and Satterthwaite.
    @Test func datasetsAreKnownToDifferentDegrees() throws {
        let estimate = try estimate(samples([0.1, 0.4, 0.2]) + samples([0.7, 0.9, 0.8, 0.6, 0.95], "b"))
        #expect(abs((estimate.low ?? 9) - 0.361750) < 1e-5 && abs((estimate.high ?? 9) - 0.661584) < 1e-5)
    }

    /// What is of one patient stands or falls together: ten copies of each value must not narrow the interval.
    @Test func patientsCountWhole() throws {
        let once = try estimate(samples([0, 0.2, 0.9, 1]))
        let copied = try estimate((0..<10).flatMap { _ in samples([0, 0.2, 0.9, 1]) })
        let (low, high) = (try #require(once.low), try #require(once.high))
        #expect(abs(low - (copied.low ?? 9)) < 1e-9 && abs(high - (copied.high ?? 9)) < 1e-9)
    }

    @Test func edges() throws {
        #expect(Estimate([], within: 0...1) == nil)
        let single = try estimate(samples([0.3]))
        #expect(single.mean == 0.3 && single.low == nil && single.high == nil)
        let constant = try estimate(samples([1, 1, 1]))
        #expect(constant.low == 1 && constant.high == 1)
    }
}
