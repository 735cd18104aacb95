import Adaptation
import Imaging
import SegmentAnything
import Tensor
import Testing

@Suite struct LabelContestTests {
    private static let geometry = ImageGeometry(width: 32, height: 24, side: 32)

    /// An answer whose logits are given by column and row of its 32 × 32 cells.
    private static func answer(_ logit: (Int, Int) -> Float) -> MaskPrediction {
        let logits = (0..<32 * 32).map { logit($0 % 32, $0 / 32) }
        return MaskPrediction(
            lowResolutionLogits: Tensor(shape: [32, 32], logits), predictedIoU: 0.5, index: 0, geometry: geometry)
    }

    private static func contest(_ answers: [MaskPrediction], likenesses: [MaskPrediction?] = []) -> LabelImage {
        var contest = LabelContest(width: 32, height: 24)
        for (label, answer) in answers.enumerated() {
            contest.enter(answer, likeness: likenesses.isEmpty ? nil : likenesses[label], as: label)
        }
        return contest.labels
    }

    /// Pixel by pixel by the definition: of those with a logit above 0 the first with the highest sum.
    private static func naive(_ answers: [MaskPrediction], likenesses: [MaskPrediction?] = []) -> [UInt8] {
        let logits = answers.map { $0.logits() }
        let more = likenesses.map { $0?.logits() }
        return (0..<32 * 24).map { pixel in
            let claimants = logits.indices.filter { logits[$0][pixel] > 0 }
            func sum(_ label: Int) -> Float { logits[label][pixel] + (more.isEmpty ? 0 : more[label]?[pixel] ?? 0) }
            let highest = claimants.map(sum).max()
            return UInt8(claimants.first { sum($0) == highest }.map { $0 + 1 } ?? 0)
        }
    }

    /// A rim that claims its hole gives it to what is more like the hole; but where nothing is claimed, likeness claims nothing.
    @Test func likenessTellsWhich() {
        func radius(_ x: Int, _ y: Int) -> Float { Float((x - 16) * (x - 16) + (y - 12) * (y - 12)).squareRoot() }
        let rim = Self.answer { x, y in 9 - radius(x, y) }
        let hole = Self.answer { x, y in 4 - radius(x, y) }
        #expect(Self.contest([rim, hole]).present == [0])
        let likenesses = [Self.answer { x, y in 2 * radius(x, y) - 10 }, Self.answer { x, y in 10 - radius(x, y) }]
        let found = Self.contest([rim, hole], likenesses: likenesses)
        #expect(found.pixels == Self.naive([rim, hole], likenesses: likenesses))
        #expect(found.mask(1).area == hole.mask().area && found.foreground.area == rim.mask().area)
        // Who alone claims a pixel has it, however unlike; of two unlike ones the less unlike.
        let unlike = [Self.answer { _, _ in -20 }, Self.answer { _, _ in -14 }]
        let left = Self.contest([rim, hole], likenesses: unlike)
        #expect(left.pixels == Self.naive([rim, hole], likenesses: unlike))
        #expect(left.mask(1).area == hole.mask().area && left.foreground.area == rim.mask().area)
        // One of two may have none.
        let one = Self.contest([rim, hole], likenesses: [nil, likenesses[1]])
        #expect(one.pixels == Self.naive([rim, hole], likenesses: [nil, likenesses[1]]))
        #expect(one.foreground.area == rim.mask().area)
    }

    @Test func overlapsGoToTheLikelier() {
        let left = Self.answer { x, _ in 8 - Float(x) / 2 }  // positive up to column 16
        let right = Self.answer { x, _ in Float(x) / 2 - 2 }  // positive from column 4, and likelier from 10 on
        let labels = Self.contest([left, right])
        #expect(labels.pixels == Self.naive([left, right]))
        #expect(labels.pixels[2] == 1 && labels.pixels[8] == 1 && labels.pixels[13] == 2 && labels.pixels[30] == 2)
        // No two share a pixel, and together they have what either had.
        let (one, other) = (labels.mask(0), labels.mask(1))
        #expect(one.intersectionCount(other) == 0)
        #expect(one.area + other.area == labels.foreground.area && labels.foreground.area == 32 * 24)
    }

    @Test func theOrderMattersForEqualsAlone() {
        let (left, right) = (Self.answer { x, _ in 8 - Float(x) / 2 }, Self.answer { x, y in Float(x + y) / 4 - 1.9 })
        let (there, back) = (Self.contest([left, right]), Self.contest([right, left]))
        for (one, other) in zip(there.pixels, back.pixels) { #expect(one == (other == 0 ? 0 : 3 - other)) }
        let same = Self.answer { x, _ in x < 9 ? 3 : -3 }
        #expect(Self.contest([same, same]).present == [0])
    }

    @Test func nothingLikelyIsBackground() {
        let no = Self.answer { _, _ in -1 }
        #expect(Self.contest([no, no]).present == [])
        #expect(Self.contest([Self.answer { _, _ in 0 }]).present == [])
    }

    /// A task with one label has the mask that it always had.
    @Test func oneLabelAloneHasItsMask() {
        let answer = Self.answer { x, y in Float((x * 7 + y * 3) % 11) - 5.5 }
        #expect(Self.contest([answer]).mask(0) == answer.mask())
    }
}

@Suite struct LabelImageTests {
    private let image = LabelImage(width: 4, height: 2, pixels: [0, 1, 1, 254, 0, 3, 3, 3])

    @Test func tellsLabelsApart() {
        #expect(image.present == [0, 2, 253])
        #expect(image.areas[0] == 2 && image.areas[1] == 0 && image.areas[2] == 3)
        #expect(image.mask(2).pixels == [0, 0, 0, 0, 0, 1, 1, 1])
        #expect(image.mask(1).isEmpty)
        #expect(image.foreground.area == 6)
        #expect(image.foreground(of: [0, 253]).pixels == [0, 1, 1, 1, 0, 0, 0, 0])
    }

    @Test func aMaskIsTheImageOfOneLabel() {
        let mask = Mask(width: 3, height: 1, pixels: [0, 9, 1])
        #expect(LabelImage(mask).present == [0])
        #expect(LabelImage(mask).mask(0) == mask)
    }
}
