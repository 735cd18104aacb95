import Adaptation
import Basics
import Cryptography
import Foundation
import Imaging

/// Why an image and its mask cannot be used.
struct PairError: Error, Equatable, CustomStringConvertible {
    /// Relative to the dataset's folder.
    let file: String
    let reason: String

    var description: String { "\(file): \(reason)" }
}

/// Reads the two files of a pair.
enum PairReader {
    /// Decodes both files whole and compares them.
    static func check(
        stem: String, image: String, mask: String, folder: String
    ) throws(PairError) -> Dataset.Pair {
        var hash = SHA256()
        let picture = try decode(read(image, in: folder, hashing: &hash), of: image)
        let labels = try labels(mask, in: folder, hashing: &hash)
        guard (picture.width, picture.height) == (labels.width, labels.height) else {
            throw PairError(
                file: mask,
                reason:
                    "it has \(labels.width)x\(labels.height) pixels, but its image \(picture.width)x\(picture.height)")
        }
        var counts = [Int](repeating: 0, count: 1 << 16)
        for label in labels.labels { counts[Int(label)] += 1 }
        var areas: [UInt16: Int] = [:]
        for label in 1..<counts.count where counts[label] > 0 { areas[UInt16(label)] = counts[label] }
        guard !areas.isEmpty else { throw PairError(file: mask, reason: "it is empty: every pixel is background") }
        return Dataset.Pair(
            stem: stem, imagePath: "\(folder)/\(image)", maskPath: "\(folder)/\(mask)", areas: areas,
            digest: Hex.string(hash.finalize()))
    }

    /// The pixels of a pair that was checked.
    ///
    /// - Throws: When its files have gone or changed since.
    static func load(_ pair: Dataset.Pair) throws(PairError) -> (image: RGBImage, labels: LabelMap) {
        var hash = SHA256()
        let image = try decode(read(pair.imagePath, in: nil, hashing: &hash), of: pair.imagePath)
        let labels = try labels(pair.maskPath, in: nil, hashing: &hash)
        guard Hex.string(hash.finalize()) == pair.digest else {
            throw PairError(file: pair.maskPath, reason: "it or its image was changed while the evaluation ran")
        }
        return (RGBImage(image, window: .automatic), labels)
    }

    private static func labels(
        _ file: String, in folder: String?, hashing hash: inout SHA256
    ) throws(PairError) -> LabelMap {
        let bytes = try read(file, in: folder, hashing: &hash)
        // The start of a JPEG file (ITU-T T.81 §B.1.1), whatever its name says.
        guard URL(filePath: file).pathExtension.lowercased() == "png", !bytes.starts(with: [0xFF, 0xD8]) else {
            throw PairError(file: file, reason: "masks must be PNG: the compression of JPEG changes labels")
        }
        let raw = try decode(bytes, of: file)
        guard !MaskSamples.hasSoftEdges(raw) else {
            throw PairError(
                file: file,
                reason:
                    "its edges have greys, as smooth scaling leaves them, and each would be a label: scale masks without interpolation"
            )
        }
        do {
            return try LabelMap(raw)
        } catch {
            switch error {
            case .colour(let x, let y):
                throw PairError(file: file, reason: "its pixel \(x),\(y) is a colour, which names no label")
            }
        }
    }

    private static func read(
        _ file: String, in folder: String?, hashing hash: inout SHA256
    ) throws(PairError) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: folder.map { "\($0)/\(file)" } ?? file) else {
            throw PairError(file: file, reason: "it cannot be read")
        }
        let bytes = [UInt8](data)
        hash.update(bytes)
        return bytes
    }

    private static func decode(_ bytes: [UInt8], of file: String) throws(PairError) -> RawImage {
        do {
            return try ImageDecoder.decode(bytes)
        } catch {
            throw PairError(file: file, reason: "\(error)")
        }
    }
}
