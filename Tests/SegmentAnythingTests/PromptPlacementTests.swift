import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct PromptPlacementTests {
    private static func placement(
        width: Int, height: Int, window: PixelBox? = nil, side: Int, isCentred: Bool
    ) -> PromptPlacement {
        var model = Configuration.tiny
        model.drawnPrompts = isCentred
        return PromptPlacement(ImageGeometry(width: width, height: height, window: window, side: side), model)
    }

    /// Every pixel of an image that is enlarged k times is a square of k × k, and that is where prompts have it.
    @Test(arguments: [1, 2, 5, 8]) func aPixelLiesWhereItIsEnlarged(_ factor: Int) {
        let k = Float(factor)
        let window = PixelBox(x0: 10, y0: 20, x1: 25, y1: 31)
        let placement = Self.placement(width: 40, height: 50, window: window, side: 16 * factor, isCentred: true)
        let box = placement.box(.init(x0: 12, y0: 23, x1: 12, y1: 25))
        #expect(box == .init(x0: 2 * k, y0: 3 * k, x1: 3 * k - 1, y1: 6 * k - 1))
        let middle = placement.point(x: 12, y: 24)
        #expect(middle.x == (box.x0 + box.x1) / 2 && middle.y == (box.y0 + box.y1) / 2)
        #expect(
            placement.box(.init(x0: 10, y0: 20, x1: 25, y1: 31)) == .init(x0: 0, y0: 0, x1: 16 * k - 1, y1: 12 * k - 1))
    }

    /// As SAM was trained: indices are multiplied.
    @Test func othersAreScaled() {
        let placement = Self.placement(width: 40, height: 30, side: 80, isCentred: false)
        #expect(placement.point(x: 3, y: 4) == (6, 8))
        #expect(placement.box(.init(x0: 3, y0: 4, x1: 9, y1: 8)) == .init(x0: 6, y0: 8, x1: 18, y1: 16))
        #expect(placement.edges(.init(x0: 3, y0: 4, x1: 9, y1: 8)) == .init(x0: 6, y0: 8, x1: 20, y1: 18))
    }

    /// The mirror image of a prompt is placed where the mirror image of the picture has it.
    @Test func mirrorImagesAgree() {
        let placement = Self.placement(width: 21, height: 13, side: 64, isCentred: true)
        let (one, other) = (placement.point(x: 4, y: 5), placement.point(x: 20 - 4, y: 5))
        #expect(abs(one.x + other.x - 63) < 1e-4 && one.y == other.y)
    }

    /// Both the tokens and the drawing of a prompt follow.
    @Test func tokensAndDrawingFollow() throws {
        var model = Configuration.tiny
        (model.imageSize, model.drawnPrompts) = (64, true)
        let small = ImageGeometry(width: 8, height: 8, side: 64)
        // The same prompt on the same image, enlarged before.
        let large = ImageGeometry(width: 64, height: 64, side: 64)
        let prompt = Prompt(points: [.init(x: 3, y: 2, isForeground: true)], box: .init(x0: 1, y0: 2, x1: 5, y1: 6))
        let same = Prompt(
            points: [.init(x: 27.5, y: 19.5, isForeground: true)], box: .init(x0: 8, y0: 16, x1: 47, y1: 55))
        let drawn = try #require(DrawnPrompt.logits(prompt, geometry: small, model: model))
        let expected = try #require(DrawnPrompt.logits(same, geometry: large, model: model))
        #expect(relativeError(drawn, expected) < 1e-6)
        let encoder = PromptEncoder(SegmentAnythingModel(configuration: model, randomSeed: 3))
        #expect(
            relativeError(
                encoder([prompt], geometry: small).sparse.tensor, encoder([same], geometry: large).sparse.tensor) < 1e-5
        )
    }
}
