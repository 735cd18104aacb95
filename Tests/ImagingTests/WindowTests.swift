import Basics
import Imaging
import Testing

struct WindowTests {
    private func grey(_ samples: [UInt16], depth: Int) -> RawImage {
        RawImage(width: samples.count, height: 1, channels: 1, bitDepth: depth, samples: samples)
    }

    private func seen(_ image: RawImage, _ window: Window = .automatic) -> [UInt8] {
        let pixels = RGBImage(image, window: window).pixels
        return stride(from: 0, to: pixels.count, by: 3).map { pixels[$0] }
    }

    @Test func eightBitsAreUnchanged() {
        #expect(seen(grey(Array(0...255), depth: 8)) == Array(0...255))
        #expect(seen(grey([7, 9], depth: 8)) == [7, 9])
    }

    @Test func fewBitsFillTheScale() {
        #expect(seen(grey([0, 1], depth: 1)) == [0, 255])
        #expect(seen(grey([0, 1, 2, 3], depth: 2)) == [0, 85, 170, 255])
        #expect(seen(grey(Array(0...15), depth: 4)) == (0...15).map { UInt8($0 * 17) })
    }

    /// 1000 values 1…1000 above a background of 5000 zeros: ranks 5 and 995 bound the window.
    @Test func sixteenBitsUsePercentilesAboveTheBackground() {
        let image = grey([UInt16](repeating: 0, count: 5_000) + (1...1_000), depth: 16)
        #expect(Window.automatic.limits(for: image) == (5, 995))
        let result = seen(image)
        #expect(result[0] == 0)
        #expect(result[5_000 + 4] == 0)
        #expect(result[5_000 + 499] == 128)  // (500 − 5) · 255 / 990 = 127.5, half up
        #expect(result[5_000 + 994] == 255)
        #expect(result[5_000 + 999] == 255)
    }

    @Test func outliersDoNotDecide() {
        var samples = (0..<2_000).map { UInt16(1_000 + $0 % 100) }
        samples[17] = 65_535
        let (low, high) = Window.automatic.limits(for: grey(samples, depth: 16))
        #expect((1_001...1_002).contains(low))
        #expect(high == 1_099)
    }

    @Test func degenerateImages() {
        #expect(seen(grey([500, 500, 500], depth: 16)) == [0, 0, 0])
        #expect(seen(grey([0, 60_000, 0, 60_000], depth: 16)) == [0, 255, 0, 255])
        #expect(seen(grey([65_535], depth: 16)) == [0])
    }

    @Test func colourChannelsShareOneWindow() {
        let image = RawImage(
            width: 2, height: 1, channels: 3, bitDepth: 16, samples: [0, 1_000, 2_000, 2_000, 1_000, 0])
        #expect(RGBImage(image, window: .range(low: 0, high: 2_000)).pixels == [0, 128, 255, 255, 128, 0])
    }

    @Test func rangesClamp() {
        let image = grey([0, 100, 150, 200, 65_535], depth: 16)
        #expect(seen(image, .range(low: 100, high: 200)) == [0, 0, 128, 255, 255])
        #expect(seen(image, .range(low: -100.5, high: 1e300)) == [0, 0, 0, 0, 0])
    }

    @Test(arguments: [(5.0, 5.0), (9, 1), (.nan, 1), (0, .nan), (-.infinity, .infinity), (0, .infinity)])
    func senselessRangesGiveBlack(_ low: Double, _ high: Double) {
        #expect(seen(grey([0, 3, 9], depth: 8), .range(low: low, high: high)) == [0, 0, 0])
    }

    @Test func descriptionsTellWindowsApart() {
        let windows: [Window] = [.automatic, .range(low: 0, high: 1), .range(low: 0, high: 2)]
        #expect(Set(windows.map(\.description)).count == windows.count)
    }
}

struct RGBImageTests {
    @Test func alphaIsDropped() {
        let greyAlpha = RawImage(width: 2, height: 1, channels: 2, bitDepth: 8, samples: [10, 0, 20, 255])
        #expect(RGBImage(greyAlpha).pixels == [10, 10, 10, 20, 20, 20])
        let rgba = RawImage(width: 1, height: 1, channels: 4, bitDepth: 8, samples: [1, 2, 3, 0])
        #expect(RGBImage(rgba).pixels == [1, 2, 3])
    }

    @Test func sizePrefixIsLittleEndian() {
        #expect(
            RGBImage(width: 258, height: 1, filledWith: .black).sizePrefix == [2, 1, 0, 0, 1, 0, 0, 0])
    }

    @Test func flips() {
        let image = RGBImage(width: 2, height: 2, pixels: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
        #expect(image.flippedHorizontally().pixels == [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9])
        #expect(image.flippedVertically().pixels == [7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6])
        var random = SeededRandom(seed: 1)
        let other = randomImage(&random, width: 5, height: 3)
        #expect(other.flippedHorizontally().flippedHorizontally() == other)
        #expect(other.flippedVertically().flippedVertically() == other)
    }
}
