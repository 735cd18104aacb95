import Foundation
import Imaging

/// A mask as a prompt: that of an earlier answer, one drawn by hand, or another program's.
///
/// On the wire it is a PNG (or JPEG) in base64, as answers give masks, or COCO's uncompressed run lengths,
/// `{"size": [height, width], "counts": [zeros, ones, …]}`, which count down the columns. Receipts keep the latter: it is
/// the same text for the same mask, whatever library wrote the file.
extension PromptsRequest {
    /// A receipt tells them all: of noise they would be many times the file.
    static let maximumRuns = 1 << 20
    private static let maskHint =
        "send the \"png\" of an earlier answer: a mask of the image's size as PNG in base64, without a data: prefix"

    /// Refuses a mask prompt of too many run lengths, before it waits for its turn: parsed they are many times their text.
    static func checkRuns(_ mask: JSON?, path: String) throws(Problem) {
        guard let mask, mask.members != nil else { return }
        _ = try Fields(mask, path: path, known: ["size", "counts"]).array("counts", maximumCount: maximumRuns)
    }

    static func mask(_ json: JSON, path: String, limits: ImageLimits) throws(Problem) -> Mask {
        let mask =
            switch json {
            case .string(let text): try decodedMask(text, path: path, limits: limits)
            case .object: try mask(runs: json, path: path)
            default: throw Problem.invalid(path, "\(path) must be text, found \(json.kindName)", hint: maskHint)
            }
        guard !mask.isEmpty else {
            throw Problem(.emptyMask, "the mask prompt marks no pixel", field: path, hint: "leave \"mask\" out")
        }
        let count = mask.runLengths().counts.count
        guard count <= maximumRuns else {
            throw Problem(
                .tooLarge, "the mask prompt has \(count) runs down its columns", field: path,
                hint:
                    "at most \(maximumRuns) are taken, as the receipt holds them: smooth the mask, or turn the image by 90 degrees"
            )
        }
        return mask
    }

    private static func decodedMask(_ text: String, path: String, limits: ImageLimits) throws(Problem) -> Mask {
        guard let data = Data(base64Encoded: text) else {
            throw Problem.invalid(path, "\(path) is not base64", hint: maskHint)
        }
        do {
            return Mask(try ImageDecoder.decode([UInt8](data), limits: limits))
        } catch {
            throw Problem(error, field: path, name: path)
        }
    }

    private static func mask(runs json: JSON, path: String) throws(Problem) -> Mask {
        let fields = try Fields(json, path: path, known: ["size", "counts"])
        let hint = #"run lengths are {"size": [height, width], "counts": [zeros, ones, zeros, …]}, down the columns"#
        let size = try fields.require("size", try fields.array("size", maximumCount: 2), hint: hint)
        let counts = try fields.require("counts", try fields.array("counts", maximumCount: maximumRuns), hint: hint)
        guard let height = size.first?.integerValue, let width = size.last?.integerValue, size.count == 2 else {
            throw Problem.invalid(
                fields.path(of: "size"), "\(fields.path(of: "size")) is no [height, width]", hint: hint)
        }
        let lengths = counts.compactMap(\.integerValue)
        guard lengths.count == counts.count else {
            throw Problem.invalid(
                fields.path(of: "counts"), "\(fields.path(of: "counts")) holds more than whole numbers", hint: hint)
        }
        do {
            return try Mask(RunLengths(width: width, height: height, counts: lengths))
        } catch {
            let (name, detail) =
                switch error {
                case .size(let width, let height): ("size", "\(width) × \(height) pixels are no image")
                case .negativeCount(let index): ("counts", "the run \(index) is negative")
                case .wrongTotal(let found, let expected): ("counts", "the runs cover \(found) of \(expected) pixels")
                }
            throw Problem.invalid(fields.path(of: name), detail, hint: hint)
        }
    }

    static func json(_ mask: Mask) -> JSON {
        let runs = mask.runLengths()
        return [
            "size": [.integer(runs.height), .integer(runs.width)], "counts": .array(runs.counts.map { .integer($0) }),
        ]
    }

    /// Refuses a mask of another size than the image: which pixel is which could only be guessed.
    func checkMask(width: Int, height: Int, path: String) throws(Problem) {
        guard let mask, mask.width != width || mask.height != height else { return }
        throw Problem(
            .sizeMismatch,
            "the image has \(width) × \(height) pixels, the mask prompt has \(mask.width) × \(mask.height)",
            field: "\(path).mask",
            hint: "a mask prompt has exactly the size of its image: send that of an answer for this image",
            extensions: [
                .init("image_size", [.integer(width), .integer(height)]),
                .init("mask_size", [.integer(mask.width), .integer(mask.height)]),
            ])
    }
}
