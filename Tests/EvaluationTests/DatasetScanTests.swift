import Evaluation
import Imaging
import TestSupport
import Testing

/// Whatever a folder holds: what can be used is used, the rest is named with its reason.
struct DatasetScanTests {
    private let square = png(LabelMap(width: 4, height: 3, labels: [0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 700]))
    private let image = PNG.encode(RGBImage(width: 4, height: 3, grey: [UInt8](repeating: 9, count: 12)))

    @Test func readsWhatIsSound() throws {
        let maker = try DatasetMaker()
        try maker.discs("b", count: 3)
        try maker.write(image, "a/images/x.png")
        try maker.write(square, "a/masks/x.png")
        try maker.write(Array(#"{"x": [0.5, 2]}"#.utf8), "a/spacing.json")
        try maker.write(Array(#"{"modality": "CT", "labels": {"1": "liver"}, "more": [1]}"#.utf8), "a/SOURCE.json")
        let scan = try maker.scan()
        #expect(scan.omissions.isEmpty)
        #expect(scan.datasets.map(\.name) == ["a", "b"])
        let pair = try #require(scan.datasets.first?.pairs.first)
        #expect(pair.areas == [1: 4, 700: 1])
        #expect(scan.datasets[0].spacing(of: "x") == Spacing(x: 0.5, y: 2))
        #expect(scan.datasets[1].pairs.count == 3)
        #expect(try maker.scan(names: ["b"]).datasets.map(\.name) == ["b"])
    }

    @Test func aSingleDatasetIsAFolderToo() throws {
        let maker = try DatasetMaker()
        try maker.discs("only", count: 2)
        let scan = try DatasetScan(folder: maker.folder.file("only"))
        #expect(scan.datasets.map(\.name) == ["only"])
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let files: [String: [UInt8]]
        let what: String
        let reason: String
        var testDescription: String { name }
    }

    private static let sound = PNG.encode(RGBImage(width: 4, height: 3, grey: [UInt8](repeating: 9, count: 12)))
    /// Halves of every edge, as bilinear scaling makes them.
    private static let soft = PNG.encode(
        RawImage(
            width: 4, height: 3, channels: 1, bitDepth: 8, samples: [0, 128, 64, 0, 128, 255, 255, 0, 0, 255, 255, 0]))
    private static let mask = PNG.encode(Mask(width: 4, height: 3, pixels: [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]))

    static let rows = [
        Row(name: "image alone", files: ["images/x.png": sound], what: "images/x.png", reason: "no mask"),
        Row(name: "mask alone", files: ["masks/x.png": mask], what: "masks/x.png", reason: "no image"),
        Row(
            name: "sizes differ",
            files: [
                "images/x.png": sound,
                "masks/x.png": PNG.encode(Mask(width: 3, height: 4, pixels: [UInt8](repeating: 1, count: 12))),
            ],
            what: "masks/x.png", reason: "3x4 pixels, but its image 4x3"),
        Row(
            name: "empty mask",
            files: ["images/x.png": sound, "masks/x.png": PNG.encode(Mask(empty: 4, height: 3))],
            what: "masks/x.png", reason: "every pixel is background"),
        Row(
            name: "truncated image", files: ["images/x.png": Array(sound.dropLast(9)), "masks/x.png": mask],
            what: "images/x.png", reason: "cut off"),
        Row(
            name: "no bytes at all", files: ["images/x.png": sound, "masks/x.png": []], what: "masks/x.png",
            reason: "0 bytes"),
        Row(
            name: "a text called png", files: ["images/x.png": Array("hello".utf8), "masks/x.png": mask],
            what: "images/x.png", reason: "neither PNG nor JPEG"),
        Row(
            name: "coloured mask",
            files: [
                "images/x.png": sound,
                "masks/x.png": PNG.encode(RGBImage(width: 4, height: 3, filledWith: .orange)),
            ], what: "masks/x.png", reason: "names no label"),
        Row(
            name: "JPEG mask", files: ["images/x.png": sound, "masks/x.jpg": mask], what: "masks/x.jpg",
            reason: "must be PNG"),
        Row(
            name: "JPEG mask called png", files: ["images/x.png": sound, "masks/x.png": [0xFF, 0xD8, 0xFF, 0xE0]],
            what: "masks/x.png", reason: "must be PNG"),
        Row(
            name: "two images of one stem",
            files: ["images/x.jpg": sound, "images/x.png": sound, "masks/x.png": mask], what: "images/x.png",
            reason: "same stem"),
        Row(
            name: "another format", files: ["images/x.dcm": sound, "masks/x.png": mask], what: "images/x.dcm",
            reason: "neither PNG nor JPEG by its name"),
        Row(
            name: "spacing that is none",
            files: ["images/x.png": sound, "masks/x.png": mask, "spacing.json": Array(#"{"x": [0, 1]}"#.utf8)],
            what: "spacing.json", reason: "not [x_mm, y_mm]"),
        Row(
            name: "spacing of nobody",
            files: ["images/x.png": sound, "masks/x.png": mask, "spacing.json": Array(#"{"x": 1, "x.png": 1}"#.utf8)],
            what: "spacing.json", reason: "spacing of x.png, and there is no image"),
        Row(
            name: "spacing of some",
            files: [
                "images/x.png": sound, "masks/x.png": mask, "images/y.png": sound, "masks/y.png": mask,
                "spacing.json": Array(#"{"x": 1}"#.utf8),
            ], what: "spacing.json", reason: "no spacing of 1 of 2 images, y the first"),
        Row(
            name: "a mask scaled smoothly",
            files: ["images/x.png": sound, "masks/x.png": soft], what: "masks/x.png", reason: "edges have greys"),
        Row(
            name: "spacing that is no JSON",
            files: ["images/x.png": sound, "masks/x.png": mask, "spacing.json": Array("{".utf8)],
            what: "spacing.json", reason: "not JSON"),
        Row(
            name: "notes that are no JSON",
            files: ["images/x.png": sound, "masks/x.png": mask, "SOURCE.json": Array("[1]".utf8)],
            what: "SOURCE.json", reason: "not JSON"),
    ]

    /// What Windows and macOS leave in folders is no data.
    @Test func passesOverLitter() throws {
        let maker = try DatasetMaker()
        try maker.discs("good", count: 2)
        for name in ["images/Thumbs.db", "masks/desktop.ini", "images/._case0-slice0.png", "masks/.DS_Store"] {
            try maker.write([1, 2, 3], "good/\(name)")
        }
        let scan = try maker.scan()
        #expect(scan.omissions.isEmpty && scan.datasets.map(\.pairs.count) == [2], "\(scan.omissions)")
    }

    @Test(arguments: rows) func namesWhatIsWrong(_ row: Row) throws {
        let maker = try DatasetMaker()
        try maker.discs("good", count: 2)
        for (name, bytes) in row.files { try maker.write(bytes, "bad/\(name)") }
        let scan = try maker.scan()
        #expect(
            scan.omissions.contains { $0.dataset == "bad" && $0.what == row.what && $0.reason.contains(row.reason) },
            "\(scan.omissions)")
        #expect(scan.datasets.first { $0.name == "good" }?.pairs.count == 2)
    }

    @Test func refusesFoldersWithoutDatasets() throws {
        let maker = try DatasetMaker()
        #expect(throws: EvaluationError.noDatasets(path: maker.folder.path)) { try maker.scan() }
        #expect(throws: EvaluationError.noDatasets(path: "/nowhere")) { try DatasetScan(folder: "/nowhere") }
        try maker.discs("a", count: 1)
        #expect(throws: EvaluationError.unknownDataset(name: "b", known: ["a"])) { try maker.scan(names: ["b"]) }
        #expect(throws: EvaluationError.unknownDataset(name: "c", known: ["a"])) { try maker.scan(instances: ["c"]) }
    }
}
