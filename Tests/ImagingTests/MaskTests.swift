import Basics
import Imaging
import Testing

struct MaskTests {
    static let shape = mask(
        """
        ......
        .##...
        .###..
        .....#
        """)

    @Test func geometry() {
        #expect(Self.shape.area == 6)
        #expect(Self.shape.boundingBox == PixelBox(x0: 1, y0: 1, x1: 5, y1: 3))
        #expect(Self.shape[1, 1] && !Self.shape[0, 0])
        #expect(!Self.shape.isEmpty)
    }

    @Test func emptyMask() {
        let empty = Mask(empty: 3, height: 2)
        #expect(empty.isEmpty && empty.area == 0)
        #expect(empty.boundingBox == nil)
        #expect(empty.surface() == empty)
        #expect(empty.components().components.isEmpty && empty.components().largest == nil)
    }

    @Test func anyNonZeroByteIsSet() {
        #expect(Mask(width: 4, height: 1, pixels: [0, 1, 2, 255]).pixels == [0, 1, 1, 1])
    }

    @Test func binaryMeansAnyColourSample() {
        func pixels(_ channels: Int, _ samples: [UInt16], depth: Int = 8) -> [UInt8] {
            Mask(
                RawImage(
                    width: samples.count / channels, height: 1, channels: channels, bitDepth: depth, samples: samples)
            ).pixels
        }
        #expect(pixels(1, [0, 1, 255]) == [0, 1, 1])
        #expect(pixels(1, [0, 256], depth: 16) == [0, 1])
        #expect(pixels(1, [0, 1], depth: 1) == [0, 1])
        #expect(pixels(2, [0, 255, 1, 0]) == [0, 1])
        #expect(pixels(3, [0, 0, 0, 0, 0, 1]) == [0, 1])
        #expect(pixels(4, [0, 0, 0, 255, 0, 9, 0, 0]) == [0, 1])
    }

    /// A black and white mask that a tool stored as a palette in the order white, black.
    @Test func paletteMasksGoByColour() {
        let image = RawImage(
            width: 2, height: 1, channels: 3, bitDepth: 8, samples: [255, 255, 255, 0, 0, 0], paletteIndices: [0, 1])
        #expect(Mask(image).pixels == [1, 0])
    }

    @Test func surfaceIsWhatErosionTakes() {
        let solid = mask(
            """
            #####..
            #####..
            #####..
            .......
            .###.##
            .###.##
            .###...
            """)
        let expected = mask(
            """
            #####..
            #...#..
            #####..
            .......
            .###.##
            .#.#.##
            .###...
            """)
        #expect(solid.surface() == expected)
    }

    @Test func setOperations() {
        let (one, other) = (mask("##..\n##.."), mask(".##.\n...."))
        #expect(one.intersectionCount(other) == 1)
        #expect(one.difference(other) == mask("#...\n##.."))
        #expect(one.flippedHorizontally() == mask("..##\n..##"))
        #expect(other.flippedVertically() == mask("....\n.##."))
        #expect(Self.shape.cropped(to: PixelBox(x0: 2, y0: 1, x1: 3, y1: 2)) == mask("#.\n##"))
    }
}

struct ConnectedComponentsTests {
    @Test func diagonalsJoinOnlyWithEight() {
        let diagonal = mask(
            """
            #..#
            .##.
            #..#
            """)
        #expect(diagonal.components(.eight).components.count == 1)
        #expect(diagonal.components(.four).components.map(\.area) == [1, 1, 2, 1, 1])
    }

    @Test func describesEachComponent() {
        let shapes = mask(
            """
            .#...##
            .#....#
            ##.#..#
            ...#...
            """)
        let components = shapes.components(.four)
        #expect(
            components.components == [
                .init(label: 1, area: 4, boundingBox: PixelBox(x0: 0, y0: 0, x1: 1, y1: 2)),
                .init(label: 2, area: 4, boundingBox: PixelBox(x0: 5, y0: 0, x1: 6, y1: 2)),
                .init(label: 3, area: 2, boundingBox: PixelBox(x0: 3, y0: 2, x1: 3, y1: 3)),
            ])
        #expect(components.largest?.label == 1)
        #expect(components.mask(3) == mask(".......\n.......\n...#...\n...#..."))
    }

    /// Twin: flood fill, component by component in raster order.
    private func flooded(_ mask: Mask, _ connectivity: Connectivity) -> [Int32] {
        var labels = [Int32](repeating: 0, count: mask.pixels.count)
        var last: Int32 = 0
        for start in labels.indices where mask.pixels[start] != 0 && labels[start] == 0 {
            last += 1
            var pending = [start]
            while let index = pending.popLast() {
                guard labels[index] == 0 else { continue }
                labels[index] = last
                let (x, y) = (index % mask.width, index / mask.width)
                for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)] {
                    guard connectivity == .eight || dx == 0 || dy == 0 else { continue }
                    let (nextX, nextY) = (x + dx, y + dy)
                    guard (0..<mask.width).contains(nextX), (0..<mask.height).contains(nextY), mask[nextX, nextY]
                    else { continue }
                    pending.append(nextY * mask.width + nextX)
                }
            }
        }
        return labels
    }

    @Test(arguments: [(1, 1), (1, 9), (9, 1), (23, 17)]) func matchesFloodFill(_ width: Int, _ height: Int) {
        var random = SeededRandom(seed: 8)
        for density: Float in [0.1, 0.4, 0.55, 0.7, 1] {
            let mask = randomMask(&random, width: width, height: height, density: density)
            for connectivity in [Connectivity.four, .eight] {
                let found = mask.components(connectivity)
                #expect(found.labels == flooded(mask, connectivity))
                #expect(found.components.reduce(0) { $0 + $1.area } == mask.area)
                for component in found.components {
                    #expect(found.mask(component.label).boundingBox == component.boundingBox)
                }
            }
        }
    }
}

struct RunLengthsTests {
    // As pycocotools: column by column, zeros first.
    @Test func knownCounts() {
        #expect(mask(".#\n.#\n##").runLengths().counts == [2, 4])
        #expect(mask("#.\n..").runLengths().counts == [0, 1, 3])
        #expect(mask("..\n..").runLengths().counts == [4])
        #expect(mask("##\n##").runLengths().counts == [0, 4])
    }

    @Test func comeBack() throws {
        var random = SeededRandom(seed: 9)
        for _ in 0..<20 {
            let mask = randomMask(
                &random, width: 1 + random.index(below: 9), height: 1 + random.index(below: 9), density: 0.5)
            #expect(try Mask(mask.runLengths()) == mask)
        }
    }

    @Test(arguments: [
        (RunLengths(width: 0, height: 4, counts: []), RunLengthError.size(width: 0, height: 4)),
        (RunLengths(width: -1, height: 4, counts: []), .size(width: -1, height: 4)),
        (RunLengths(width: .max, height: .max, counts: []), .size(width: .max, height: .max)),
        (RunLengths(width: 30_000, height: 30_000, counts: []), .size(width: 30_000, height: 30_000)),
        (RunLengths(width: 2, height: 2, counts: [2, -1, 3]), .negativeCount(index: 1)),
        (RunLengths(width: 2, height: 2, counts: [2, 1]), .wrongTotal(found: 3, expected: 4)),
        (RunLengths(width: 2, height: 2, counts: [2, 3]), .wrongTotal(found: 5, expected: 4)),
        (RunLengths(width: 2, height: 2, counts: [2, 2, 9, 9]), .wrongTotal(found: 13, expected: 4)),
    ]) func refusesWrongCounts(_ runs: RunLengths, _ error: RunLengthError) {
        #expect(throws: error) { try Mask(runs) }
    }

    @Test func hugeCountsDoNotOverflow() {
        #expect(throws: RunLengthError.self) {
            try Mask(RunLengths(width: 2, height: 2, counts: [1, .max, .max, 1]))
        }
    }
}

struct LabelMapTests {
    @Test func greySamplesAreLabels() throws {
        let image = RawImage(width: 3, height: 1, channels: 1, bitDepth: 16, samples: [0, 300, 7])
        let map = try LabelMap(image)
        #expect(map.labels == [0, 300, 7])
        #expect(map.values == [7, 300])
        #expect(map.mask(of: 300).pixels == [0, 1, 0])
    }

    @Test func fewBitsAreNotScaled() throws {
        #expect(
            try LabelMap(RawImage(width: 2, height: 1, channels: 1, bitDepth: 2, samples: [3, 1])).labels == [3, 1])
    }

    @Test func colouredPalettesGoByIndex() throws {
        let image = RawImage(
            width: 3, height: 1, channels: 3, bitDepth: 8, samples: [0, 0, 0, 128, 0, 0, 0, 128, 0],
            paletteIndices: [0, 1, 2])
        #expect(try LabelMap(image).labels == [0, 1, 2])
    }

    @Test func greyPalettesGoByValue() throws {
        let image = RawImage(
            width: 3, height: 1, channels: 3, bitDepth: 8, samples: [7, 7, 7, 0, 0, 0, 9, 9, 9])
        #expect(try LabelMap(image).labels == [7, 0, 9])
    }

    /// A slice may show the grey entries of a coloured palette alone; its labels are their numbers all the same.
    @Test func aColouredPaletteGoesByIndexWhateverIsShown() throws {
        let image = RawImage(
            width: 2, height: 1, channels: 3, bitDepth: 8, samples: [0, 0, 0, 128, 128, 128], paletteIndices: [0, 7])
        #expect(try LabelMap(image).labels == [0, 7])
    }

    @Test func greyInThreeChannelsCounts() throws {
        let image = RawImage(width: 2, height: 1, channels: 4, bitDepth: 8, samples: [2, 2, 2, 0, 5, 5, 5, 255])
        #expect(try LabelMap(image).labels == [2, 5])
    }

    @Test func coloursAreNoLabels() {
        let image = RawImage(
            width: 2, height: 2, channels: 3, bitDepth: 8, samples: [0, 0, 0, 1, 1, 1, 2, 2, 3, 9, 0, 0])
        #expect(throws: LabelMapError.colour(x: 0, y: 1)) { try LabelMap(image) }
    }
}
