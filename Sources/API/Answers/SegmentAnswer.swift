import Basics
import Foundation
import HTTP
import HTTPTypes
import Imaging
import Metrics
import SegmentAnything
import Server
import Storage

/// The result of a segment request, in each of its forms.
struct SegmentAnswer: Sendable {
    let json: Response
    let png: Response
    let csv: Response

    init(
        _ plan: SegmentPlan, _ segmented: Segmented, _ embedding: ImageEmbedding, truth: Mask?, spacing: Spacing?,
        outcome: CacheOutcome, build: BuildInfo, watch: Stopwatch
    ) throws {
        let masks = segmented.masks
        let (image, tier, boxes) = (plan.image, plan.tier, plan.options.prompts.boxes)
        var watch = watch
        let merged = masks.merged(width: image.width, height: image.height)
        let metrics = try truth.map { try SegmentationMetrics(prediction: merged, groundTruth: $0, spacing: spacing) }
        let encoded = masks.map { PNG.encode($0.mask) }
        let mergedPNG = masks.count == 1 ? encoded[0] : PNG.encode(merged)
        let receipt = Receipt(plan, segmented, merged: merged, build: build)
        let label = plan.task?.labels.first?.name
        watch.lap("answer")

        let answers: [JSON] = zip(masks, encoded).map { mask, png in
            Self.json(mask, label: label, png: png, box: boxes.isEmpty ? nil : boxes[mask.prompt], spacing)
        }
        let body: JSON = [
            "task": .optional(plan.task?.id),
            "tier": .string(tier.name),
            "tier_reason": .optional(tier.reason),
            "adapter_version": .optional(tier.adapter?.version),
            "image": [
                "id": .string(ImageIdentifier.make(image.hash)), "width": .integer(image.width),
                "height": .integer(image.height),
            ],
            "masks": .array(answers),
            "metrics": metrics.map(MetricsAnswer.json) ?? .null,
            "spacing_mm": spacing.map { [.number($0.x), .number($0.y)] } ?? .null,
            "promptless": PromptlessAnswer.json(segmented, plan.profile),
            "review": ReviewAnswer.json(segmented, plan, embedding),
            "far_from_support": FarAnswer.json(plan.profile, embedding),
            "embedding": .string(outcome.rawValue),
            "timings_ms": .object(watch.members),
            "receipt": receipt.json,
            "receipt_sha256": .string(receipt.sha256),
            "methods": .string(MethodsParagraph.text(receipt.json)),
        ]
        json = .json(body)
        csv = Response(.ok, type: .csv, bytes: Array(AnswerTable.csv([body]).utf8))

        var fields = HTTPFields()
        fields[.gmiseg("Tier")] = tier.name
        fields[.gmiseg("Adapter-Version")] = tier.adapter.map { "\($0.version)" }
        fields[.gmiseg("Scores")] = masks.filter { $0.candidate == 0 }.map { $0.score.rounded4 }.joined(separator: ", ")
        fields[.gmiseg("Area-Px")] = "\(merged.area)"
        fields[.gmiseg("Receipt")] = receipt.sha256
        if let metrics { MetricsAnswer.add(metrics, to: &fields) }
        png = Response(.ok, type: .png, bytes: mergedPNG, fields: fields)
    }

    private static func json(
        _ mask: SegmentedMask, label: String?, png: [UInt8], box: PromptsRequest.Box?, _ spacing: Spacing?
    ) -> JSON {
        let area = mask.mask.area
        var members: [JSON.Member] = [
            .init("prompt", .integer(mask.prompt)),
            .init("candidate", .integer(mask.candidate)),
            .init("instance", .optional(mask.instance)),
            .init("label", .optional(label)),
            .init("found", .bool(mask.isFound)),
            .init("prompt_box", box?.json ?? .null),
            .init("score", .rounded(mask.score, places: 4)),
            .init("area_px", .integer(area)),
            .init(
                "area_mm2", spacing.map { .rounded(Double(area) * $0.x * $0.y, places: 4) } ?? .null),
            .init("bounds", mask.mask.boundingBox?.json ?? .null),
            .init("png", .string(Data(png).base64EncodedString())),
        ]
        if let spread = mask.spread {
            members += UncertaintyAnswer.members(spread, area: area, mask.mask, spacing)
        }
        return .object(members)
    }
}

/// Agreement with a ground truth: numbers, or null with the reason beside it.
enum MetricsAnswer {
    static func json(_ metrics: SegmentationMetrics) -> JSON {
        [
            "dice": .rounded(metrics.dice, places: 6),
            "jaccard": .rounded(metrics.jaccard, places: 6),
            "asd_px": metrics.pixels.map { .rounded($0.asd, places: 4) } ?? .null,
            "hd95_px": metrics.pixels.map { .rounded($0.hd95, places: 4) } ?? .null,
            "px_reason": .optional(metrics.absence?.reason),
            "asd_mm": metrics.millimetres.map { .rounded($0.asd, places: 4) } ?? .null,
            "hd95_mm": metrics.millimetres.map { .rounded($0.hd95, places: 4) } ?? .null,
            "mm_reason": .optional(metrics.millimetresAbsence?.reason),
            "prediction_area_px": .integer(metrics.predictionArea),
            "ground_truth_area_px": .integer(metrics.groundTruthArea),
            "of": "the masks of all prompts together, the best candidate of each",
        ]
    }

    /// The same as header fields; what is unknown is left out.
    static func add(_ metrics: SegmentationMetrics, to fields: inout HTTPFields) {
        fields[.gmiseg("Dice")] = metrics.dice.rounded4
        fields[.gmiseg("Jaccard")] = metrics.jaccard.rounded4
        fields[.gmiseg("ASD-Px")] = metrics.pixels?.asd.rounded4
        fields[.gmiseg("HD95-Px")] = metrics.pixels?.hd95.rounded4
        fields[.gmiseg("ASD-Mm")] = metrics.millimetres?.asd.rounded4
        fields[.gmiseg("HD95-Mm")] = metrics.millimetres?.hd95.rounded4
    }
}

extension Double {
    /// Four decimal places, as headers carry numbers.
    fileprivate var rounded4: String { JSON.rounded(self, places: 4).text() }
}

extension HTTPField.Name {
    /// `GMISeg-…`. `suffix` is one of our own literals, so it is always a token.
    fileprivate static func gmiseg(_ suffix: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name("GMISeg-\(suffix)") else { preconditionFailure("\(suffix) is no field name") }
        return name
    }
}
