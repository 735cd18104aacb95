import Adaptation
import Imaging
import SegmentAnything
import Tensor
import Testing

@Suite struct AugmentedViewTests {
    @Test func theFirstFourViewsAreTheFlips() {
        let flips = (0..<4).map { index -> [Bool] in
            let view = AugmentedView(index: index, example: 0, seed: 1)
            return [view.flipsHorizontally, view.flipsVertically]
        }
        #expect(Set(flips).count == 4)
        let pixels = Tensor(shape: [1, 2, 2, 3], (0..<12).map(Float.init))
        for index in 0..<4 {
            let toned = AugmentedView(index: index, example: 0, seed: 1).toned(pixels, width: 2, height: 2)
            #expect(toned.elements == pixels.elements)
        }
    }

    /// Every other later view shows the object's surroundings alone, if the model answers boxes so.
    @Test func everyOtherLaterViewLooksCloser() throws {
        var pixels = [UInt8](repeating: 0, count: 100 * 80)
        for y in 10..<20 { for x in 60..<74 { pixels[y * 100 + x] = 1 } }
        let mask = Mask(width: 100, height: 80, pixels: pixels)
        var focused = Configuration.tiny
        focused.focusedBoxes = true
        for index in 0..<12 {
            let view = AugmentedView(index: index, example: 3, seed: 1)
            let flipped = view.flipped(mask)
            #expect(view.window(about: flipped, model: .tiny) == nil)
            #expect(view.window(about: Mask(empty: 100, height: 80), model: focused) == nil)
            let window = view.window(about: flipped, model: focused)
            guard index > 4, index & 1 == 1 else {
                #expect(window == nil)
                continue
            }
            let part = try #require(window)
            #expect(flipped.cropped(to: part).area == mask.area)
            #expect((24...36).contains(part.width) && part.width == part.height)
        }
    }

    @Test(arguments: 0..<8) func imageAndMaskFlipTogether(_ index: Int) {
        let view = AugmentedView(index: index, example: 2, seed: 9)
        // An image that is bright exactly where its mask is: after any flip it must still be.
        let mask = PromptSimulatorTests.ring
        let image = RGBImage(width: mask.width, height: mask.height, grey: mask.pixels.map { $0 * 255 })
        let (flippedImage, flippedMask) = (view.flipped(image), view.flipped(mask))
        for y in 0..<mask.height {
            for x in 0..<mask.width {
                #expect((flippedImage.pixels[3 * (y * mask.width + x)] == 255) == flippedMask[x, y])
            }
        }
    }

    @Test func noiseIsSeededAndLeavesThePaddingAlone() {
        let side = 16
        var pixels = [Float](repeating: 0, count: side * side * 3)
        for y in 0..<10 { for x in 0..<12 { for c in 0..<3 { pixels[(y * side + x) * 3 + c] = 0.1 } } }
        let input = Tensor(shape: [1, side, side, 3], pixels)
        let view = AugmentedView(index: 5, example: 1, seed: 21)
        let first = view.toned(input, width: 12, height: 10).elements
        #expect(first == AugmentedView(index: 5, example: 1, seed: 21).toned(input, width: 12, height: 10).elements)
        #expect(first != AugmentedView(index: 6, example: 1, seed: 21).toned(input, width: 12, height: 10).elements)
        #expect(first != AugmentedView(index: 5, example: 2, seed: 21).toned(input, width: 12, height: 10).elements)
        var changed = 0
        for y in 0..<side {
            for x in 0..<side {
                for c in 0..<3 {
                    let at = (y * side + x) * 3 + c
                    if y >= 10 || x >= 12 { #expect(first[at] == 0) } else if first[at] != 0.1 { changed += 1 }
                }
            }
        }
        #expect(changed > 350)
    }

    @Test func noiseHasTheDeviationThatTheViewNames() {
        let side = 128
        let view = AugmentedView(index: 4, example: 0, seed: 2)
        let grey: Float = (127.5 - 116.28) / 57.12  // mid-grey of the middle channel: contrast leaves it where it is
        let input = Tensor(filled: grey, shape: [1, side, side, 3])
        let toned = view.toned(input, width: side, height: side).elements
        let levels = stride(from: 1, to: toned.count, by: 3).map { Double(toned[$0] * 57.12 + 116.28) }
        let mean = levels.reduce(0, +) / Double(levels.count)
        let variance = levels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(levels.count)
        #expect(abs(mean - Double(127.5 + view.brightness)) < 0.5)
        #expect(abs(variance.squareRoot() / Double(view.noise) - 1) < 0.05)
    }
}
