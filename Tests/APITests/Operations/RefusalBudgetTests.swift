import API
import Storage
import Testing

@Suite struct RefusalBudgetTests {
    @Test func namesSoManyAMinuteAndCountsTheRest() {
        var budget = RefusalBudget(perMinute: 2)
        func take(_ seconds: Int64) -> [Int] {
            let (isWritten, omitted) = budget.take(at: Timestamp(milliseconds: seconds * 1_000))
            return [isWritten ? 1 : 0, omitted]
        }
        #expect([take(60), take(61), take(62), take(119)] == [[1, 0], [1, 0], [0, 0], [0, 0]])
        #expect([take(120), take(121)] == [[1, 2], [1, 0]])
        #expect(take(600) == [1, 0])
    }
}
