import Basics
import Testing

@Suite struct LitterTests {
    @Test(arguments: [
        ("._case01.png", true), (".DS_Store", true), ("Thumbs.db", true), ("thumbs.DB", true), ("desktop.ini", true),
        ("case01.png", false), ("Thumbs.png", false), ("", false),
    ])
    func knowsWhatSystemsLeaveBehind(_ name: String, _ isLitterly: Bool) {
        #expect(isLitter(name) == isLitterly)
    }
}
