import Adaptation
import Testing

@Suite struct PatientGroupsTests {
    struct Row: NamedRow, CustomTestStringConvertible {
        let name: String
        let stems: [String]
        var given: [String?]?
        /// Nil: nothing is known, and every image stands for itself.
        let groups: [Int]?
        var testDescription: String { name }
    }

    static let rows = [
        Row(
            name: "case and slice", stems: ["case101_slice_1", "case101_slice_9", "case7_slice_1"], groups: [0, 0, 1]),
        Row(name: "numbers", stems: ["10_1", "11_4", "10_24"], groups: [0, 1, 0]),
        Row(
            name: "a year before the patient",
            stems: ["brats_2013_pat1_x070", "brats_2013_pat1_x078", "brats_2013_pat2_x070"], groups: [0, 0, 1]),
        Row(name: "running numbers", stems: ["drive_01_testing", "drive_02_testing", "drive_03_testing"], groups: nil),
        Row(name: "no digits", stems: ["left_a", "left_b", "right_a"], groups: nil),
        Row(name: "one patient alone", stems: ["p1_a", "p1_b"], groups: nil),
        Row(name: "some stems too short", stems: ["p1_a", "p1_b", "p2", "p2_a"], groups: [0, 0, 1, 2]),
        Row(name: "one stem of another kind", stems: ["p1_a", "scan", "p1_b", "p2_a"], groups: [0, 1, 0, 2]),
        Row(name: "given", stems: ["a", "b", "c"], given: ["x", "y", "x"], groups: [0, 1, 0]),
        Row(name: "given for some", stems: ["a", "b", "c"], given: ["x", nil, "x"], groups: [0, 1, 0]),
        Row(
            name: "given goes before stems", stems: ["p1_a", "p1_b", "p2_a"], given: ["x", "y", "y"], groups: [0, 1, 1]),
        Row(
            name: "a patient called like a place in the list", stems: ["a", "b", "c"], given: ["1", nil, "1"],
            groups: [0, 1, 0]),
        Row(name: "one patient named for all", stems: ["a", "b", "c"], given: ["x", "x", "x"], groups: [0, 0, 0]),
        Row(
            name: "names for new images beside the stems of old ones",
            stems: ["p1_a", "p1_b", "p2_a", "p2_b", "new"], given: [nil, nil, nil, nil, "x"], groups: [0, 0, 1, 1, 2]),
        Row(
            name: "names that say the stems tell a site", stems: ["s1_1", "s1_2", "s1_3", "s2_1"],
            given: ["x", "y", nil, nil], groups: nil),
        Row(
            name: "a name for one image of a patient that the stems tell", stems: ["p1_a", "p1_b", "p2_a", "p3_a"],
            given: ["x", nil, nil, "x"], groups: [0, 0, 1, 0]),
    ]

    @Test(
        arguments: [
            (["case101_slice_1", "case101_slice_2"], "case101"), (["p1_a", "p1_b", "p2_a", "p3_a"], nil),
            (["drive_01_testing", "drive_02_testing"], nil), (["left_a", "left_b"], nil), (["p1_a"], nil),
        ] as [([String], String?)])
    func namesOfOnePatientAreNoticed(_ stems: [String], _ name: String?) {
        #expect(PatientGroups(stems: stems, given: stems.map { _ in nil }).sharedName == name)
        // Who says whose they are is believed, and who says it of some has not said it of the others.
        #expect(PatientGroups(stems: stems, given: stems.map { _ in "x" }).sharedName == nil)
        let some: [String?] = stems.dropLast().map { _ in "x" } + [nil]
        #expect(PatientGroups(stems: stems, given: some).sharedName == name)
    }

    /// The same pixels under another name are the same patient's, and what that name is joined to as well.
    @Test(
        arguments: [
            (["a", "b", "a", "c"], [nil, nil, nil, nil], [0, 1, 0, 2]),
            (["a", "a"], [nil, nil], [0, 0]),
            (["a", "b", "b", "c"], ["x", "x", nil, nil], [0, 0, 0, 1]),
            // Whoever gives one picture two names has named one patient twice, and the second picture is of that one as well.
            (["a", "b", "a", "b"], ["x", nil, "y", "y"], [0, 0, 0, 0]),
            (["a", "b", "a"], ["x", "x", nil], [0, 0, 0]),
            (["a", "b"], [nil, nil], [0, 1]),
        ] as [([String], [String?], [Int])])
    func onePictureIsOnePatient(_ pictures: [String], _ given: [String?], _ groups: [Int]) {
        let stems = pictures.indices.map { "image \(["one", "two", "three", "four"][$0])" }
        #expect(PatientGroups(stems: stems, given: given, pictures: pictures).groups == groups)
    }

    @Test(arguments: rows) func findsPatients(_ row: Row) {
        let found = PatientGroups(stems: row.stems, given: row.given ?? row.stems.map { _ in nil })
        #expect(found.groups == row.groups ?? Array(row.stems.indices))
        #expect((found.source == nil) == (row.groups == nil))
    }
}

@Suite struct FoldPlanTests {
    private func patients(_ groups: [String]) -> PatientGroups {
        PatientGroups(stems: groups.map { _ in "x" }, given: groups)
    }

    @Test(arguments: [2, 3, 5, 6, 8, 13, 64]) func everyExampleIsHeldOutOnce(_ count: Int) throws {
        let plan = try #require(FoldPlan(patients((0..<count).map(String.init)), seed: 3))
        #expect(plan.folds.flatMap(\.self).sorted() == Array(0..<count))
        #expect(plan.method == (count <= 5 ? .leaveOneOut : .kFold))
        #expect(plan.folds.count == (count <= 5 ? count : 4))
        let sizes = plan.folds.map(\.count)
        #expect(try #require(sizes.max()) - #require(sizes.min()) <= 1)
        #expect(plan.halves.flatMap(\.self).sorted() == (count < 4 ? [] : Array(0..<count)))
    }

    @Test func patientsStayTogether() throws {
        let names = ["a", "a", "a", "a", "b", "b", "c", "d", "e", "f", "f", "g"]
        let plan = try #require(FoldPlan(patients(names), seed: 1))
        for fold in plan.folds + plan.halves {
            let inside = Set(fold.map { names[$0] })
            let outside = Set(names.indices.filter { !fold.contains($0) }.map { names[$0] })
            #expect(inside.isDisjoint(with: outside))
        }
    }

    @Test func oneImageOrOnePatientCannotBeHeldOut() {
        #expect(FoldPlan(PatientGroups(stems: ["a"], given: [nil]), seed: 0) == nil)
        #expect(FoldPlan(patients(["a", "a", "a"]), seed: 0) == nil)
    }

    @Test func theSeedDecides() throws {
        let all = patients((0..<12).map(String.init))
        // In tiles: two, as soon as each can teach the other.
        let tiled = try #require(FoldPlan(all, seed: 1, isTiled: true))
        #expect(tiled.folds.flatMap(\.self).sorted() == Array(all.groups.indices) && tiled.halves.isEmpty)
        #expect(tiled.folds.count == 2 && tiled.method == .kFold)
        let three = patients(["a", "b", "c"])
        #expect(FoldPlan(three, seed: 1, isTiled: true) == FoldPlan(three, seed: 1))
        #expect(FoldPlan(all, seed: 1) == FoldPlan(all, seed: 1))
        #expect(FoldPlan(all, seed: 1) != FoldPlan(all, seed: 2))
    }
}
