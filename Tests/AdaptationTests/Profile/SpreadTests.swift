import Adaptation
import Testing

@Suite struct SpreadTests {
    @Test func takesTheFirstOnesFromAllOverTheArray() {
        #expect(Array(0..<24).spread(4).prefix(5) == [0, 6, 12, 18, 1])
        #expect(Array(0..<5).spread(4) == [0, 1, 2, 3, 4])
        #expect(Array(0..<7).spread(3) == [0, 2, 4, 1, 3, 5, 6])
        for count in 0..<12 {
            for first in 0..<14 {
                let spread = Array(0..<count).spread(first)
                #expect(spread.sorted() == Array(0..<count))
                if first >= count { #expect(spread == Array(0..<count)) }
            }
        }
    }
}
