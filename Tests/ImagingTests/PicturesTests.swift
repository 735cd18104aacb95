import Imaging
import Testing

struct OverlayTests {
    private let image = RGBImage(width: 5, height: 5, filledWith: Colour(red: 100, green: 100, blue: 100))
    private let square = mask(".....\n.###.\n.###.\n.###.\n.....")

    private func pixel(_ image: RGBImage, _ x: Int, _ y: Int) -> [UInt8] {
        Array(image.pixels[(y * image.width + x) * 3..<(y * image.width + x) * 3 + 3])
    }

    @Test func tintsInsideAndOutlinesFully() {
        let drawn = Overlay.draw(square, over: image, colour: Colour(red: 200, green: 0, blue: 100), opacity: 0.5)
        #expect(pixel(drawn, 0, 0) == [100, 100, 100])
        #expect(pixel(drawn, 1, 1) == [200, 0, 100])
        #expect(pixel(drawn, 2, 2) == [150, 50, 100])
    }

    @Test func drawingOutsideIsSafe() {
        let colour = Colour.cyan
        let box = PixelBox(x0: -3, y0: 2, x1: 9, y1: 40)
        let drawn = Overlay.drawBox(box, over: image, colour: colour)
        #expect(pixel(drawn, 3, 2) == [colour.red, colour.green, colour.blue])
        #expect(pixel(drawn, 3, 3) == [100, 100, 100])
        for (x, y) in [(Double.nan, 1.0), (1e300, 1), (-.infinity, 0), (2, 99)] {
            #expect(Overlay.drawPoint(x: x, y: y, over: image, colour: colour) == image)
        }
        let point = Overlay.drawPoint(x: 4.2, y: 0, over: image, colour: colour, radius: 1)
        #expect(pixel(point, 4, 0) == [colour.red, colour.green, colour.blue])
        #expect(pixel(point, 4, 2) == [0, 0, 0])
    }
}

struct PanelSheetTests {
    @Test func laysOutRows() {
        let dot = RGBImage(width: 4, height: 3, filledWith: .white)
        let sheet = PanelSheet.draw(
            [[Panel(dot, caption: "a"), Panel(dot, caption: "b")], [Panel(dot, caption: "")]])
        #expect(sheet.width == 6 + 2 * (4 + 6))
        #expect(sheet.height == 6 + 2 * (11 + 3 + 6))
        // The first panel's image: 4 x 3 white pixels below its caption.
        let whites = (0..<sheet.height).filter { y in
            (6..<10).allSatisfy { x in sheet.pixels[(y * sheet.width + x) * 3] == 255 }
        }
        #expect(whites == Array(17..<20) + Array(37..<40))
    }

    @Test func captionsAreDrawnAndCut() {
        let wide = RGBImage(width: 200, height: 1, filledWith: .black)
        func ink(_ caption: String) -> Int {
            PanelSheet.draw([[Panel(wide, caption: caption)]]).pixels.filter { $0 == 255 }.count / 3
        }
        #expect(ink("") == 0)
        #expect(ink("i") > 0 && ink("ii") == 2 * ink("i"))
        #expect(ink("ö") == ink("?"))
        #expect(ink(String(repeating: "i", count: 1_000)) == ink(String(repeating: "i", count: 200 / 6)))
    }

    @Test func everyPrintableCharacterHasItsOwnShape() {
        let blank = RGBImage(width: 6, height: 1, filledWith: .black)
        let pictures = (32...126).map { code in
            PanelSheet.draw([[Panel(blank, caption: String(UnicodeScalar(UInt8(code))))]]).pixels
        }
        #expect(Set(pictures).count == 95)
    }
}
