import Foundation
import Imaging
import TestSupport
import Testing

struct ImageDecoderTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let bytes: [UInt8]
        let found: String
        var testDescription: String { found }

        init(_ text: String, at offset: Int = 0, _ found: String) {
            self.init([UInt8](repeating: 0x20, count: offset) + Array(text.utf8) + [0, 1, 2, 3], found)
        }

        init(_ bytes: [UInt8], _ found: String) {
            self.bytes = bytes
            self.found = found
        }
    }

    static let rows = [
        Row("DICM", at: 128, "DICOM"),
        Row("n+1\0", at: 344, "NIfTI"),
        Row("NRRD0004\n", "NRRD"),
        Row("ObjectType = Image", "MetaImage"),
        Row([0x1F, 0x8B, 8, 0, 0], "gzip (a .nii.gz?)"),
        Row([0x50, 0x4B, 3, 4, 20, 0], "a ZIP archive"),
        Row("GIF89a", "GIF"),
        Row([0x49, 0x49, 0x2A, 0, 8, 0], "TIFF"),
        Row([0x4D, 0x4D, 0, 0x2A, 0, 8], "TIFF"),
        Row("RIFF1234WEBPVP8 ", "WebP"),
        Row([0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20, 13, 10], "JPEG 2000"),
        Row("P5 2 2 255\n", "a PNM image"),
        Row("%PDF-1.7", "PDF"),
        Row("<!DOCTYPE html>", "HTML"),
        Row("{\"detail\":1}", "JSON"),
        Row("iVBORw0KGgoAAAANSUhEUg", "base64 text of a PNG"),
        Row("data:image/png;base64,iVBO", "a data URL"),
        Row("BM", "BMP"),
        Row([1], "data that starts with the bytes 01"),
        Row([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "data that starts with the bytes 0001020304050607"),
    ]

    @Test(arguments: rows) func namesWhatItIsInstead(_ row: Row) {
        #expect(decodingError(row.bytes) == .unknownFormat(found: row.found))
    }

    @Test func noticesTransferInTextMode() throws {
        let bytes = try fixture("png/grey-8.png")
        let converted = bytes.flatMap { $0 == 0x0D ? [] : [$0] }
        guard case .corrupt(.png, let reason) = decodingError(converted) else {
            Issue.record("not called damaged")
            return
        }
        #expect(reason.contains("text mode"))
    }

    @Test func readsFiles() throws {
        let path = Fixtures.path("png/rgb-16.png")
        #expect(try ImageDecoder.decode(path: path) == ImageDecoder.decode(fixture("png/rgb-16.png")))
        #expect(throws: ImageError.unreadable(path: "/nowhere/at/all", errno: 2)) {
            try ImageDecoder.decode(path: "/nowhere/at/all")
        }
        #expect(throws: ImageError.self) { try ImageDecoder.decode(path: "/") }
        let directory = try TemporaryDirectory()
        try Data().write(to: URL(fileURLWithPath: directory.file("empty.png")))
        #expect(throws: ImageError.empty) { try ImageDecoder.decode(path: directory.file("empty.png")) }
        let size = try fixture("png/rgb-16.png").count
        #expect(throws: ImageError.tooManyBytes(found: size, limit: 5)) {
            try ImageDecoder.decode(path: path, limits: ImageLimits(maximumBytes: 5))
        }
    }

    @Test func sizeNeedsOnlyTheHeader() throws {
        for (file, expected) in [("png/rgb-16.png", (11, 9)), ("jpeg/rgb-420.jpg", (37, 29))] {
            let size = try fixture(file).withUnsafeBytes { try ImageDecoder.size($0) }
            #expect(size == expected)
        }
        let start = try fixture("png/rgb-16.png")[..<33]
        #expect(try Array(start).withUnsafeBytes { try ImageDecoder.size($0) } == (11, 9))
    }

    @Test func everyErrorSaysWhatAndWhatToDo() {
        let errors: [ImageError] = [
            .empty, .unknownFormat(found: "GIF"), .truncated(.png, detail: "d"), .corrupt(.jpeg, reason: "r"),
            .unsupported(.jpeg, feature: "CMYK"), .tooManyPixels(width: 1, height: 2, limit: 1),
            .sideTooLong(width: 1, height: 2, limit: 1), .tooManyBytes(found: 2, limit: 1),
            .unreadable(path: "p", errno: 2),
        ]
        #expect(Set(errors.map(\.description)).count == errors.count)
        #expect(errors.allSatisfy { $0.hint.hasSuffix(".") })
        #expect(errors[4].description == "CMYK JPEG images are not supported")
    }
}
