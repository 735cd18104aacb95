import Foundation
import Imaging

/// What a kept answer says beside its receipt, held against the receipt: its masks and their areas. A receipt that is right does not vouch
/// for pictures and numbers that were put beside it.
struct AnswerFile: Sendable {
    /// What of a mask is looked at.
    private struct Kept: Sendable {
        let png: String
        let area: Int?
    }

    private let masks: [Kept?]
    private let recorded: [String]
    private let size: (width: Int?, height: Int?)

    /// Nil: it is a receipt alone.
    init?(_ sent: JSON) {
        guard let receipt = sent["receipt"], let masks = sent["masks"]?.elements else { return nil }
        self.masks = masks.map { mask in
            mask["png"]?.stringValue.map { Kept(png: $0, area: mask["area_px"]?.integerValue) }
        }
        recorded = (receipt["masks_sha256"]?.elements ?? []).compactMap(\.stringValue)
        size = (receipt["width"]?.integerValue, receipt["height"]?.integerValue)
    }

    var maskCount: Int { masks.count }

    /// Whether there is a mask for each that the receipt names.
    var countDifference: ReceiptDifference? {
        masks.count == recorded.count
            ? nil : ReceiptDifference(field: "masks", recorded: .integer(recorded.count), here: .integer(masks.count))
    }

    /// What is not so of a mask; of one that was left out nothing is said.
    ///
    /// - Parameter index: Of one that the receipt names.
    func differences(_ index: Int, limits: ImageLimits) -> [ReceiptDifference] {
        guard let mask = masks[index] else { return [] }
        func isOfTheReceiptsSize(_ bytes: [UInt8]) -> Bool {
            let found = try? bytes.withUnsafeBytes { bytes in try ImageDecoder.size(bytes, limits: limits) }
            return found?.width == size.width && found?.height == size.height
        }
        // By its head first: what is of another size is not worth decoding.
        guard let bytes = Data(base64Encoded: mask.png).map([UInt8].init), isOfTheReceiptsSize(bytes),
            let pixels = try? Mask(ImageDecoder.decode(bytes, limits: limits))
        else {
            return [ReceiptDifference(field: "masks[\(index)].png", recorded: .string(recorded[index]), here: .null)]
        }
        let hash = PixelHash.of(pixels)
        guard hash == recorded[index] else {
            return [
                ReceiptDifference(
                    field: "masks[\(index)].png", recorded: .string(recorded[index]), here: .string(hash))
            ]
        }
        guard let area = mask.area, area != pixels.area else { return [] }
        return [
            ReceiptDifference(
                field: "masks[\(index)].area_px", recorded: .integer(pixels.area), here: .integer(area))
        ]
    }
}
