import API
import Storage
import Testing

/// Why an answer should be looked at again: of several labels it is said which are not there.
@Suite struct ReviewReasonTests {
    private static let heart = TaskLabels([Label(value: 1, name: "ventricle"), Label(value: 3, name: "myocardium")])

    @Test func namesTheLabelsThatWereNotFound() {
        #expect(ReviewAnswer.absence(of: [], among: 2, Self.heart) == nil)
        #expect(ReviewAnswer.absence(of: [1], among: 2, Self.heart) == "not found: 3 \"myocardium\"")
        #expect(ReviewAnswer.absence(of: [0, 1], among: 2, Self.heart) == "nothing was found")
        #expect(ReviewAnswer.absence(of: [0], among: 1, TaskLabels([])) == "nothing was found")
    }
}
