import Basics
import Testing

@Suite struct CivilDateTests {
    @Test(arguments: [
        (0, CivilDate(year: 1970, month: 1, day: 1)), (-1, CivilDate(year: 1969, month: 12, day: 31)),
        (11_016, CivilDate(year: 2000, month: 2, day: 29)), (47_541, CivilDate(year: 2100, month: 3, day: 1)),
        (-719_529, CivilDate(year: -1, month: 12, day: 31)),
    ])
    func knownDays(_ days: Int, _ date: CivilDate) {
        #expect(CivilDate(daysSince1970: days) == date)
        #expect(date.daysSince1970 == days)
    }

    @Test func thereAndBack() {
        for days in stride(from: -1_000_000, to: 1_000_000, by: 97) {
            #expect(CivilDate(daysSince1970: days).daysSince1970 == days)
        }
    }
}
