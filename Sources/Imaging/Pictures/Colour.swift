/// A colour to draw with.
package struct Colour: Sendable, Equatable {
    package let red: UInt8
    package let green: UInt8
    package let blue: UInt8

    package init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    package static let black = Colour(red: 0, green: 0, blue: 0)
    package static let white = Colour(red: 255, green: 255, blue: 255)
    // From the palette of Okabe and Ito (2008), which colour-blind readers can tell apart, on grey scans too.
    package static let orange = Colour(red: 230, green: 159, blue: 0)
    package static let cyan = Colour(red: 86, green: 180, blue: 233)
    package static let green = Colour(red: 0, green: 158, blue: 115)
}
