import Adaptation
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
        _ plan: SegmentPlan, _ segmented: Segmented, _ embedding: ImageEmbedding, truth: LabelImage?, spacing: Spacing?,
        outcome: CacheOutcome, build: BuildInfo, watch: Stopwatch
    ) throws {
        let masks = segmented.masks
        let (image, tier, boxes) = (plan.image, plan.tier, plan.options.prompts.boxes)
        var watch = watch
        let merged = masks.merged(width: image.width, height: image.height)
        let metrics = try truth.map { truth in
            try SegmentationMetrics(
                prediction: merged, groundTruth: truth.foreground(of: plan.asked), spacing: spacing)
        }
        let encoded = masks.map { PNG.encode($0.mask) }
        let labelMap =
            plan.labels.isBinary
            ? nil : PNG.encode(plan.labels.map(masks.labels(width: image.width, height: image.height)))
        let mergedPNG = labelMap ?? (masks.count == 1 ? encoded[0] : PNG.encode(merged))
        let receipt = Receipt(plan, segmented, merged: merged, build: build)
        watch.lap("answer")

        let answers: [JSON] = try zip(masks, encoded).map { mask, png in
            let answer = Self.members(
                mask, plan.labels, png: png, box: boxes.isEmpty ? nil : boxes[mask.prompt], spacing)
            // Of several masks of a label none has to be all of it.
            guard !plan.labels.isBinary, masks.count(where: { $0.label == mask.label }) == 1 else {
                return .object(answer)
            }
            let own = try truth.map { truth in
                try SegmentationMetrics(
                    prediction: mask.mask, groundTruth: truth.mask(mask.label), spacing: spacing)
            }
            return .object(answer + [.init("metrics", own.map { MetricsAnswer.json($0, of: "this label") } ?? .null)])
        }
        var members: [JSON.Member] = [
            .init("task", .optional(plan.task?.id)),
            .init("tier", .string(tier.name)),
            .init("tier_reason", .optional(tier.reason)),
            .init("adapter_version", .optional(tier.adapter?.version)),
            .init(
                "image",
                [
                    "id": .string(ImageIdentifier.make(image.hash)), "width": .integer(image.width),
                    "height": .integer(image.height),
                ]),
            .init("masks", .array(answers)),
        ]
        if let labelMap {
            members.append(.init("label_map_png", .string(Data(labelMap).base64EncodedString())))
            members.append(.init("labels", plan.labels.json))
        }
        members += [
            .init("metrics", metrics.map { MetricsAnswer.json($0) } ?? .null),
            .init("spacing_mm", spacing.map { [.number($0.x), .number($0.y)] } ?? .null),
            .init("promptless", PromptlessAnswer.json(segmented, plan)),
            .init("review", ReviewAnswer.json(segmented, plan, embedding)),
            .init("far_from_support", FarAnswer.json(plan.profile, embedding)),
            .init("embedding", .string(outcome.rawValue)),
            .init("timings_ms", .object(watch.members)),
            .init("receipt", receipt.json),
            .init("receipt_sha256", .string(receipt.sha256)),
            .init("methods", .string(MethodsParagraph.text(receipt.json))),
        ]
        let body = JSON.object(members)
        json = .json(body)
        csv = Response(.ok, type: .csv, bytes: Array(AnswerTable.csv([body]).utf8))

        var fields = HTTPFields()
        fields[.gmiseg("Tier")] = tier.name
        fields[.gmiseg("Adapter-Version")] = tier.adapter.map { "\($0.version)" }
        fields[.gmiseg("Scores")] = masks.filter { $0.candidate == 0 }.map { $0.score.rounded4 }.joined(separator: ", ")
        fields[.gmiseg("Area-Px")] = "\(merged.area)"
        fields[.gmiseg("Review")] = Self.isDoubtful(body) ? "true" : "false"
        fields[.gmiseg("Receipt")] = receipt.sha256
        if let metrics { MetricsAnswer.add(metrics, to: &fields) }
        png = Response(.ok, type: .png, bytes: mergedPNG, fields: fields)
    }

    /// Whether the answer says of itself that somebody should look at it; why, stands in its JSON.
    private static func isDoubtful(_ answer: JSON) -> Bool {
        answer["review"]?["needed"] == true || (answer["far_from_support"]?["warning"] ?? .null) != .null
    }

    private static func members(
        _ mask: SegmentedMask, _ labels: TaskLabels, png: [UInt8], box: PromptsRequest.Box?, _ spacing: Spacing?
    ) -> [JSON.Member] {
        let area = mask.mask.area
        var members: [JSON.Member] = [
            .init("prompt", .integer(mask.prompt)),
            .init("candidate", .integer(mask.candidate)),
            .init("instance", .optional(mask.instance)),
        ]
        members += labels.members(mask.label)
        members += [
            .init("found", .bool(mask.isFound)),
            .init("prompt_box", box?.json ?? .null),
            .init("score", .rounded(mask.score, places: 4)),
            .init("area_px", .integer(area)),
            .init(
                "area_mm2", spacing.map { .millimetres(Double(area) * $0.x * $0.y) } ?? .null),
            .init("bounds", mask.mask.boundingBox?.json ?? .null),
            .init("png", .string(Data(png).base64EncodedString())),
        ]
        if let spread = mask.spread {
            members += UncertaintyAnswer.members(spread, area: area, mask.mask, spacing)
        }
        return members
    }
}

/// Agreement with a ground truth: numbers, or null with the reason beside it.
enum MetricsAnswer {
    static func json(
        _ metrics: SegmentationMetrics,
        of what: String = "the masks of all prompts together, the best candidate of each"
    ) -> JSON {
        [
            "dice": .rounded(metrics.dice, places: 6),
            "jaccard": .rounded(metrics.jaccard, places: 6),
            "asd_px": metrics.pixels.map { .rounded($0.asd, places: 4) } ?? .null,
            "hd95_px": metrics.pixels.map { .rounded($0.hd95, places: 4) } ?? .null,
            "px_reason": .optional(metrics.absence?.reason),
            "asd_mm": metrics.millimetres.map { .millimetres($0.asd) } ?? .null,
            "hd95_mm": metrics.millimetres.map { .millimetres($0.hd95) } ?? .null,
            "mm_reason": .optional(metrics.millimetresAbsence?.reason),
            "prediction_area_px": .integer(metrics.predictionArea),
            "ground_truth_area_px": .integer(metrics.groundTruthArea),
            "of": .string(what),
        ]
    }

    /// The same as header fields; what is unknown is left out.
    static func add(_ metrics: SegmentationMetrics, to fields: inout HTTPFields) {
        fields[.gmiseg("Dice")] = metrics.dice.rounded4
        fields[.gmiseg("Jaccard")] = metrics.jaccard.rounded4
        fields[.gmiseg("ASD-Px")] = metrics.pixels?.asd.rounded4
        fields[.gmiseg("HD95-Px")] = metrics.pixels?.hd95.rounded4
        fields[.gmiseg("ASD-Mm")] = metrics.millimetres.map { JSON.millimetres($0.asd).text() }
        fields[.gmiseg("HD95-Mm")] = metrics.millimetres.map { JSON.millimetres($0.hd95).text() }
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
