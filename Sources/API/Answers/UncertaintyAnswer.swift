package import Adaptation
import Foundation
package import Imaging
import Metrics
import SegmentAnything

extension PixelBox {
    /// Corners inclusive.
    var json: JSON { ["x0": .integer(x0), "y0": .integer(y0), "x1": .integer(x1), "y1": .integer(y1)] }
}

/// What prompts nearby would have given, beside a mask.
package enum UncertaintyAnswer {
    package static func members(_ spread: MaskSpread, area: Int, _ mask: Mask, _ spacing: Spacing?) -> [JSON.Member] {
        // Where all of an answer was debris, nothing is left to vary.
        let interval = spread.relativeArea.flatMap { relative in
            area == 0
                ? nil
                : (
                    low: Int((relative.lowerBound * Double(area)).rounded()),
                    high: Int((relative.upperBound * Double(area)).rounded())
                )
        }
        return [
            .init("uncertainty_png", png(spread.uncertainty(), mask)),
            .init("probability_png", png(spread.mean.probability().map(MaskSpread.grey), mask)),
            .init("agreement", .rounded(spread.agreement, places: 4)),
            .init("area_interval_px", interval.map { [.integer($0.low), .integer($0.high)] } ?? .null),
            .init(
                "area_interval_mm2",
                interval.flatMap { interval in
                    spacing.map { spacing in
                        let pixel = spacing.x * spacing.y
                        return [
                            .millimetres(Double(interval.low) * pixel),
                            .millimetres(Double(interval.high) * pixel),
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
    /// Of one label its way; of several a list of theirs.
    static func json(_ segmented: Segmented, _ plan: SegmentPlan) -> JSON {
        let ways = zip(plan.asked, segmented.promptless).map { label, route in
            (
                label,
                members(route, plan.profile?[label]) + [
                    .init("least_region_px", .optional(plan.leastRegion(label)))
                ]
            )
        }
        guard plan.asked.count > 1 else { return ways.first.map { .object($0.1) } ?? .null }
        return ways.isEmpty
            ? .null
            : [
                "labels": .array(
                    ways.map { label, members in
                        .object(plan.labels.members(label) + members)
                    })
            ]
    }

    private static func members(_ route: PromptlessRoute, _ profile: SupportProfile?) -> [JSON.Member] {
        let dice = PromptlessRoute.allCases.compactMap { route in
            profile?.routeDice[route].map { JSON.Member(route.rawValue, .rounded($0, places: 4)) }
        }
        return [
            .init("route", .string(route.rawValue)),
            // An adapter was trained on the very images; its way says nothing about new ones.
            .init("support_dice", dice.isEmpty ? .null : .object(dice)),
        ]
    }
}

/// Whether somebody should look at an answer again.
package enum ReviewAnswer {
    /// Null unless the request asked for the uncertainty, which it rests on, or not all objects are answered.
    static func json(_ segmented: Segmented, _ plan: SegmentPlan, _ embedding: ImageEmbedding) -> JSON {
        // Whoever counts them must know.
        guard !segmented.isCut else { return cut }
        guard plan.options.uncertainty else { return .null }
        // Of several the one that is furthest below the threshold of its label.
        var score: Double?
        var threshold = Self.threshold(plan, plan.asked[0])
        for mask in segmented.masks {
            guard let agreement = mask.spread?.agreement else { continue }
            let own = Self.threshold(plan, mask.label)
            guard score.map({ agreement - own.value < $0 - threshold.value }) ?? true else { continue }
            (score, threshold) = (agreement, own)
        }
        let shaky = score.map { $0 < threshold.value } ?? false
        let far = plan.profile?.distance.value(embedding).map { $0 > EmbeddingDistance.limit } ?? false
        let missing = segmented.masks.filter { !$0.isFound }.map(\.label)
        let reasons = [
            shaky ? shakiness(segmented) : nil, far ? "the image is unlike the support set" : nil,
            absence(of: missing, among: segmented.masks.count, plan.labels),
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

extension ReviewAnswer {
    /// What is said where the image shows more objects than are answered.
    package static let cut: JSON = [
        "needed": true, "reason": .string("there are more objects than the \(InstanceFinder.limit) that are answered"),
        "score": .null, "threshold": .null, "calibrated_on": .null,
    ]

    /// What is said of labels that were not found; nil when all were.
    ///
    /// - Parameters:
    ///   - missing: Indices among the task's labels.
    ///   - count: Masks in the answer.
    package static func absence(of missing: [Int], among count: Int, _ labels: TaskLabels) -> String? {
        if missing.isEmpty { return nil }
        return missing.count == count
            ? "nothing was found" : "not found: \(missing.map(labels.words).joined(separator: ", "))"
    }

    private static func shakiness(_ segmented: Segmented) -> String {
        segmented.promptless.contains(.pixels)
            ? "the mask hangs on where the line between object and surroundings is drawn"
            : "prompts nearby give other masks"
    }

    private static func threshold(_ plan: SegmentPlan, _ label: Int) -> ReviewThreshold {
        // Images that an adapter was not trained on know best.
        plan.tier.adapter?.heldOut?.review(plan.options.prompts.kind, label: label)
            ?? plan.profile?[label].review[plan.options.prompts.kind] ?? .uncalibrated
    }
}

/// How far the image is from the support set.
enum FarAnswer {
    static func json(_ profile: TaskProfile?, _ embedding: ImageEmbedding) -> JSON {
        guard let value = profile?.distance.value(embedding) else { return .null }
        let warning =
            value > EmbeddingDistance.limit
            ? "the image is \(JSON.rounded(value, places: 1).text()) times as far from the nearest support image as those "
                + "are from each other: do not trust the mask unseen"
            : nil
        return ["value": .rounded(value, places: 3), "warning": .optional(warning)]
    }
}
