package import Imaging

/// Which of a task's labels each pixel shows. Labels are counted from 0, in the order in which the task lists them.
package struct LabelImage: Sendable, Equatable {
    /// Labels that a task may have: a byte a pixel, with one value left for the background.
    package static let labelLimit = 254

    package let width: Int
    package let height: Int
    /// `[height, width]`: 0 background, else the label's index plus one.
    package let pixels: [UInt8]

    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "a label image has pixels")
        precondition(pixels.count == width * height, "pixels is not [height, width]")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// A mask is the label image of a task with one label.
    package init(_ mask: Mask) { self.init(width: mask.width, height: mask.height, pixels: mask.pixels) }

    /// The labels that occur, ascending.
    package var present: [Int] { areas.enumerated().filter { $0.element > 0 }.map(\.offset) }

    /// Pixels of each label, up to the last one possible.
    package var areas: [Int] {
        var counts = [Int](repeating: 0, count: 1 << 8)
        for pixel in pixels { counts[Int(pixel)] += 1 }
        return Array(counts.dropFirst())
    }

    package func mask(_ label: Int) -> Mask {
        Mask(width: width, height: height, pixels: pixels.map { Int($0) == label + 1 ? 1 : 0 })
    }

    /// Some of the labels as one object.
    package func foreground(of labels: [Int]) -> Mask {
        var isWanted = [Bool](repeating: false, count: 1 << 8)
        for label in labels { isWanted[label + 1] = true }
        return Mask(width: width, height: height, pixels: pixels.map { isWanted[Int($0)] ? 1 : 0 })
    }

    /// All labels as one object.
    package var foreground: Mask { Mask(width: width, height: height, pixels: pixels) }
}
