import Adaptation
import Basics
import Cryptography
import Imaging
import SegmentAnything
import Storage
import Tensor

/// Everything that an answer's masks depend on, and their hashes: enough to make the request again with the same image
/// (`POST /v1/verify`). Equal receipts mean equal masks, bit for bit, on the same machine.
///
/// It holds what the client chose in full, and models, adapters and pixels by hash. No pixel of the image is in it.
struct Receipt: Sendable {
    /// Changes with the members.
    static let format = 3

    /// In its canonical form, so that what a browser or jq has read and written again is the same text.
    let json: JSON
    /// SHA-256 of the receipt's compact JSON.
    let sha256: String

    init(_ plan: SegmentPlan, _ segmented: Segmented, merged: Mask, build: BuildInfo) {
        let adapter = plan.tier.adapter
        var members: [JSON.Member] = [
            .init("format", .integer(Self.format)),
            .init("pixels_sha256", .string(plan.image.hash)),
            .init("width", .integer(plan.image.width)),
            .init("height", .integer(plan.image.height)),
            .init("model", Self.model(plan.served)),
            .init("task", .optional(plan.task?.id)),
            .init("tier", .string(plan.tier.name)),
            .init("adapter_version", .optional(adapter?.version)),
            .init("adapter_sha256", .optional(adapter?.adapter.sha256)),
            .init("adaptation", adapter.map { Self.summary($0.adapter.card, of: plan.image) } ?? .null),
        ]
        // Which of them a mask shows is part of what was answered.
        if !plan.labels.isBinary { members.append(.init("labels", plan.labels.json)) }
        members += [
            .init("request", plan.options.json),
            .init("promptless", Self.promptless(plan, segmented)),
            .init("preprocessing", .string(Preprocessing.version)),
            .init("build", build.json),
            .init("mask_sha256", .string(PixelHash.of(merged))),
            .init("masks_sha256", .array(segmented.masks.map { .string(PixelHash.of($0.mask)) })),
        ]
        if !plan.labels.isBinary {
            let map = plan.labels.map(segmented.masks.labels(width: plan.image.width, height: plan.image.height))
            members.append(.init("label_map_sha256", .string(PixelHash.of(map))))
        }
        let body = JSON.object(members).canonical
        json = body
        sha256 = SHA256.hex(body.encoded())
    }

    /// - Returns: Also whether it looks closely, and by how much unadapted answers are fitted to the image: a methods section has to say so.
    private static func model(_ served: ServedModel) -> JSON {
        var members: [JSON.Member] = [
            .init("name", .string(served.name)), .init("sha256", .string(served.model.sha256)),
        ]
        if served.model.configuration.focusedBoxes == true { members.append(.init("focused", true)) }
        if let share = served.model.configuration.appearance {
            members.append(.init("appearance", .number(Double(share))))
        }
        return .object(members)
    }

    /// By which way the image was segmented without a prompt, and the hash of what decided it.
    private static func promptless(_ plan: SegmentPlan, _ segmented: Segmented) -> JSON {
        guard let first = segmented.promptless.first, let profile = plan.profile else { return .null }
        let routes = segmented.promptless.map { JSON.string($0.rawValue) }
        let way = plan.asked.count > 1 ? JSON.Member("routes", .array(routes)) : .init("route", .string(first.rawValue))
        let least = plan.asked.map { JSON.optional(plan.leastRegion($0)) }
        let contest = plan.asked.count > 1 ? [JSON.Member("contest", "logit+likeness")] : []
        return .object(
            [way] + contest + [
                .init("least_region_px", plan.asked.count > 1 ? .array(least) : least[0]),
                .init("profile_sha256", .string(profile.sha256(plan.asked))),
            ])
    }

    /// What a methods section says of the adapter, so that it can be written from the receipt alone.
    ///
    /// The side of the tiles is that of this image, whose tiles may be larger than the card says.
    private static func summary(_ card: Adapter.Card, of image: OpenedImage) -> JSON {
        var members: [JSON.Member] = [
            .init("kind", .string(card.kind.rawValue)), .init("rank", .integer(card.rank)),
            .init("steps", .integer(card.steps)), .init("seed", .integer(Int(clamping: card.seed))),
            .init("support_count", .integer(card.supportCount)),
            .init("tile_side", .optional(card.tiling?.side(width: image.width, height: image.height))),
            .init("members", .optional(card.members)),
        ]
        if let continued = card.continued { members.append(.init("continued", AdapterCardAnswer.json(continued))) }
        return .object(members)
    }
}

/// The way from decoded samples to what the encoder sees, as text for receipts and cache keys.
enum Preprocessing {
    static let window = Window.automatic
    static var version: String { "\(window); \(Preprocessor.version)" }
}
