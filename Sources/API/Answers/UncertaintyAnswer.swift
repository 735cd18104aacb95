import Adaptation
import Foundation
import Imaging
import Metrics
import SegmentAnything

extension PixelBox {
    /// Corners inclusive.
    var json: JSON { ["x0": .integer(x0), "y0": .integer(y0), "x1": .integer(x1), "y1": .integer(y1)] }
}

/// What prompts nearby would have given, beside a mask.
enum UncertaintyAnswer {
    static func members(_ spread: MaskSpread, area: Int, _ mask: Mask, _ spacing: Spacing?) -> [JSON.Member] {
        let interval = spread.relativeArea.map { relative in
            (
                low: Int((relative.lowerBound * Double(area)).rounded()),
                high: Int((relative.upperBound * Double(area)).rounded())
            )
        }
        return [
            .init("uncertainty_png", png(spread.uncertainty(), mask)),
            .init("probability_png", png(spread.mean.probability().map { UInt8(255 * $0) }, mask)),
            .init("agreement", .rounded(spread.agreement, places: 4)),
            .init("area_interval_px", interval.map { [.integer($0.low), .integer($0.high)] } ?? .null),
            .init(
                "area_interval_mm2",
                interval.flatMap { interval in
                    spacing.map { spacing in
                        let pixel = spacing.x * spacing.y
                        return [
                            .rounded(Double(interval.low) * pixel, places: 4),
                            .rounded(Double(interval.high) * pixel, places: 4),
                        ]
                    }
                } ?? .null),
        ]
    }

    private static func png(_ grey: [UInt8], _ mask: Mask) -> JSON {
        let image = RawImage(
            width: mask.width, height: mask.height, channels: 1, bitDepth: 8, samples: grey.map(UInt16.init))
        return .string(Data(PNG.encode(image)).base64EncodedString())
    }
}

/// How an answer without a prompt was come by.
enum PromptlessAnswer {
    static func json(_ segmented: Segmented, _ profile: SupportProfile?) -> JSON {
        guard let route = segmented.promptless else { return .null }
        let dice = PromptlessRoute.allCases.compactMap { route in
            profile?.routeDice[route].map { JSON.Member(route.rawValue, .rounded($0, places: 4)) }
        }
        return [
            "route": .string(route.rawValue),
            // An adapter was trained on the very images; its way says nothing about new ones.
            "support_dice": dice.isEmpty ? .null : .object(dice),
        ]
    }
}

/// Whether somebody should look at an answer again.
enum ReviewAnswer {
    /// Null unless the request asked for the uncertainty, which it rests on.
    static func json(_ segmented: Segmented, _ plan: SegmentPlan, _ embedding: ImageEmbedding) -> JSON {
        guard plan.options.uncertainty else { return .null }
        let agreements = segmented.masks.compactMap { $0.spread?.agreement }
        let threshold = plan.profile?.review[plan.options.prompts.kind] ?? .uncalibrated
        let score = agreements.min()
        let shaky = score.map { $0 < threshold.value } ?? false
        let far = plan.profile?.distance.value(embedding).map { $0 > EmbeddingDistance.limit } ?? false
        let absent = segmented.masks.contains { !$0.isFound }
        let reasons = [
            shaky ? "prompts nearby give other masks" : nil, far ? "the image is unlike the support set" : nil,
            absent ? "nothing was found" : nil,
        ].compactMap(\.self)
        return [
            "needed": .bool(!reasons.isEmpty),
            "reason": .optional(reasons.isEmpty ? nil : reasons.joined(separator: "; ")),
            "score": score.map { .rounded($0, places: 4) } ?? .null,
            "threshold": .rounded(threshold.value, places: 4),
            "calibrated_on": .integer(threshold.count),
        ]
    }
}

/// How far the image is from the support set.
enum FarAnswer {
    static func json(_ profile: SupportProfile?, _ embedding: ImageEmbedding) -> JSON {
        guard let value = profile?.distance.value(embedding) else { return .null }
        let warning =
            value > EmbeddingDistance.limit
            ? "the image is \(JSON.rounded(value, places: 1).text()) times as far from the nearest support image as those "
                + "are from each other: do not trust the mask unseen"
            : nil
        return ["value": .rounded(value, places: 3), "warning": .optional(warning)]
    }
}
