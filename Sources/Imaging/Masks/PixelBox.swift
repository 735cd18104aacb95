/// A rectangle of pixels, both corners inclusive.
package struct PixelBox: Sendable, Equatable, Hashable {
    package var x0: Int
    package var y0: Int
    package var x1: Int
    package var y1: Int

    package init(x0: Int, y0: Int, x1: Int, y1: Int) {
        self.x0 = x0
        self.y0 = y0
        self.x1 = x1
        self.y1 = y1
    }

    package var width: Int { x1 - x0 + 1 }
    package var height: Int { y1 - y0 + 1 }

    /// What lies in both; nil where nothing does.
    package func intersection(_ other: PixelBox) -> PixelBox? {
        let both = PixelBox(x0: max(x0, other.x0), y0: max(y0, other.y0), x1: min(x1, other.x1), y1: min(y1, other.y1))
        return both.x0 <= both.x1 && both.y0 <= both.y1 ? both : nil
    }

    /// The smallest box that holds both.
    package func union(_ other: PixelBox) -> PixelBox {
        PixelBox(x0: min(x0, other.x0), y0: min(y0, other.y0), x1: max(x1, other.x1), y1: max(y1, other.y1))
    }
}
