import Adaptation
import Basics
import Evaluation
import Foundation
import Imaging
import SegmentAnything
import TestSupport

/// One random model for all tests.
let tinyModel = SegmentAnythingModel(configuration: .tiny, randomSeed: 3)

/// Folders of datasets, made for one test.
struct DatasetMaker {
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    func write(_ bytes: [UInt8], _ name: String) throws {
        let url = URL(filePath: folder.file(name))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    /// A dataset of discs with label 1, each with a square of label 2 beside it in every image but the first.
    func discs(_ name: String, count: Int, width: Int = 40, height: Int = 32) throws {
        for index in 0..<count {
            let (image, labels) = Self.disc(index, width: width, height: height)
            try write(PNG.encode(image), "\(name)/images/case\(index / 2)-slice\(index).png")
            try write(png(labels), "\(name)/masks/case\(index / 2)-slice\(index).png")
        }
    }

    static func disc(_ index: Int, width: Int, height: Int) -> (RGBImage, LabelMap) {
        var grey = [UInt8](repeating: 40, count: width * height)
        var labels = [UInt16](repeating: 0, count: width * height)
        let (x0, y0) = (10 + index % 5, 10 + index % 7)
        for y in 0..<height {
            for x in 0..<width {
                if (x - x0) * (x - x0) + (y - y0) * (y - y0) <= 36 {
                    (grey[y * width + x], labels[y * width + x]) = (200, 1)
                } else if index > 0, (28..<34).contains(x), (22..<28).contains(y) {
                    (grey[y * width + x], labels[y * width + x]) = (120, 2)
                }
            }
        }
        return (
            RGBImage(width: width, height: height, grey: grey), LabelMap(width: width, height: height, labels: labels)
        )
    }

    func scan(names: [String]? = nil, instances: Set<String> = []) throws -> DatasetScan {
        try DatasetScan(folder: folder.path, names: names, instances: instances)
    }
}

/// Settings that cost little.
func quickSettings(_ prompts: [PromptStyle] = [.box, .corrected, .none]) -> EvaluationSettings {
    var settings = EvaluationSettings()
    settings.prompts = prompts
    settings.baselines = true
    settings.steps = 2
    settings.adapters = [.decoder]
    return settings
}

/// Grey samples that are the labels.
func png(_ map: LabelMap) -> [UInt8] {
    let depth = map.labels.contains { $0 > 255 } ? 16 : 8
    return PNG.encode(
        RawImage(width: map.width, height: map.height, channels: 1, bitDepth: depth, samples: map.labels))
}
