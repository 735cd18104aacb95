import Adaptation
import Imaging
import SegmentAnything
import Tensor
import Testing

@Suite struct RegionsTests {
    private func mask(_ discs: [(x: Int, y: Int, radius: Int)], width: Int = 48, height: Int = 32) -> Mask {
        let pixels = (0..<width * height).map { index in
            let (x, y) = (index % width, index / width)
            return discs.contains { ($0.x - x) * ($0.x - x) + ($0.y - y) * ($0.y - y) <= $0.radius * $0.radius }
                ? UInt8(1) : 0
        }
        return Mask(width: width, height: height, pixels: pixels)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let discs: [(x: Int, y: Int, radius: Int)]
        let count: Int
        var testDescription: String { name }
    }

    @Test(arguments: [
        Row(name: "nothing", discs: [], count: 0), Row(name: "one", discs: [(20, 15, 8)], count: 1),
        Row(name: "two apart", discs: [(10, 15, 6), (35, 15, 6)], count: 2),
        Row(name: "two that touch", discs: [(14, 15, 8), (28, 15, 8)], count: 2),
        Row(name: "a small one beside a large one", discs: [(14, 15, 10), (28, 15, 5)], count: 2),
        Row(name: "a short sausage", discs: [(18, 15, 8), (21, 15, 8), (24, 15, 8)], count: 1),
        Row(name: "at the border", discs: [(0, 0, 9)], count: 1), Row(name: "a pixel", discs: [(5, 5, 0)], count: 1),
    ]) func cutsWhereObjectsTouch(_ row: Row) {
        let mask = mask(row.discs)
        let regions = Regions(mask)
        #expect(regions.count == row.count)
        // Every pixel of the mask has a region, no other has, and numbers leave no gap.
        #expect(zip(regions.labels, mask.pixels).allSatisfy { ($0 > 0) == ($1 != 0) })
        #expect(Set(regions.labels).subtracting([0]) == Set(1..<row.count + 1))
        #expect((1..<row.count + 1).reduce(0) { $0 + regions.mask($1).area } == mask.area)
    }

    @Test func cutsInTheMiddle() {
        let regions = Regions(mask([(14, 15, 8), (28, 15, 8)]))
        #expect(regions.labels[15 * 48 + 14] != regions.labels[15 * 48 + 28])
        #expect(abs(regions.mask(1).area - regions.mask(2).area) <= 20)
    }
}

@Suite struct InstanceFinderTests {
    private let reader = PromptlessReader(Predictor(tinyModel), isAdapted: false)

    /// Random weights refine to nonsense, which must not replace the pieces.
    @Test func cutsTheWholeIntoItsObjects() throws {
        let embedding = reader.predictor.embed(discs(1)[0].image)
        let side = tinyModel.configuration.logitsSide
        let height = side * 32 / 40
        let logits = (0..<side * side).map { index in
            let (x, y) = (index % side, index / side)
            let isLeft = x >= 1 && x <= side / 3 && y >= 1 && y <= height / 2
            let isRight = x >= side / 2 && x <= side * 3 / 4 && y >= 1 && y <= height / 2
            // On the padding nothing counts, whatever the decoder says there.
            return isLeft || isRight || y > height + 1 ? Float(6) : -6
        }
        let whole = MaskPrediction(
            lowResolutionLogits: Tensor(shape: [side, side], logits), predictedIoU: 0.9, index: 0,
            geometry: embedding.geometry)
        let finder = InstanceFinder(reader)
        let answer = try finder.instances(embedding, within: whole)
        let found = answer.objects
        #expect(found.count == 2 && !answer.isCut)
        let masks = found.map { $0.mask() }
        #expect(masks[0].intersectionCount(masks[1]) < masks[0].area / 4)
        #expect(found[0].predictedIoU >= found[1].predictedIoU)
        let nothing = MaskPrediction(
            lowResolutionLogits: Tensor(filled: -5, shape: [side, side]), predictedIoU: 0.9, index: 0,
            geometry: embedding.geometry)
        #expect(try finder.instances(embedding, within: nothing).objects.isEmpty)
    }

    /// Of four hundred dots the largest are answered, and those of three pixels never.
    @Test func theLargestOfManyPiecesAreAnswered() {
        let side = 80
        let logits = (0..<side * side).map { index in
            let (x, y) = (index % side, index / side)
            // Twenty by twenty dots of two by two pixels: a pixel short in the last five columns, two more in the first row.
            let isDot = x % 4 < 2 && y % 4 < 2 && !(x >= 60 && x % 4 == 1 && y % 4 == 1)
            return isDot || (x % 4 == 2 && y < 2) ? Float(3) : -3
        }
        let whole = MaskPrediction(
            lowResolutionLogits: Tensor(shape: [side, side], logits), predictedIoU: 0.9, index: 0,
            geometry: ImageGeometry(width: side, height: side, side: side))
        let found = InstanceFinder.pieces(of: whole)
        let areas = found.objects.map { $0.mask().area }
        #expect(areas.count == InstanceFinder.limit && found.isCut)
        #expect(Array(areas.prefix(20)) == [Int](repeating: 6, count: 15) + [Int](repeating: 5, count: 5))
        #expect(areas.dropFirst(20).allSatisfy { $0 == 4 })
    }

    @Test func aGridFindsEachObjectOnce() throws {
        let embedding = reader.predictor.embed(discs(1)[0].image)
        let found = try InstanceFinder(reader).everything(embedding)
        let masks = found.map { $0.lowResolutionLogits.elements.map { $0 > 0 } }
        for (index, one) in masks.enumerated() {
            for other in masks[..<index] {
                let both = zip(one, other).count { $0 && $1 }
                let either = zip(one, other).count { $0 || $1 }
                // Cells on the padding may shift it a little.
                #expect(Double(both) <= 0.65 * Double(max(either, 1)))
            }
        }
        // One pixel wide, and still an image.
        let narrow = reader.predictor.embed(
            RGBImage(width: 300, height: 1, filledWith: Colour(red: 9, green: 9, blue: 9)))
        _ = try InstanceFinder(reader).everything(narrow)
    }
}
