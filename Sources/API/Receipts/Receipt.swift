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
    static let format = 2

    let json: JSON
    /// SHA-256 of the receipt's compact JSON.
    let sha256: String

    init(_ plan: SegmentPlan, _ segmented: Segmented, merged: Mask, build: BuildInfo) {
        let adapter = plan.tier.adapter
        let body: JSON = [
            "format": .integer(Self.format),
            "pixels_sha256": .string(plan.image.hash),
            "width": .integer(plan.image.width),
            "height": .integer(plan.image.height),
            "model": ["name": .string(plan.served.name), "sha256": .string(plan.served.model.sha256)],
            "task": .optional(plan.task?.id),
            "tier": .string(plan.tier.name),
            "adapter_version": .optional(adapter?.version),
            "adapter_sha256": .optional(adapter?.adapter.sha256),
            "adaptation": adapter.map { Self.summary($0.adapter.card) } ?? .null,
            "request": plan.options.json,
            "promptless": Self.promptless(plan, segmented),
            "preprocessing": .string(Preprocessing.version),
            "build": build.json,
            "mask_sha256": .string(PixelHash.of(merged)),
            "masks_sha256": .array(segmented.masks.map { .string(PixelHash.of($0.mask)) }),
        ]
        json = body
        sha256 = SHA256.hex(body.encoded())
    }

    /// By which way the image was segmented without a prompt, and the hash of what decided it.
    private static func promptless(_ plan: SegmentPlan, _ segmented: Segmented) -> JSON {
        guard let route = segmented.promptless, let profile = plan.profile else { return .null }
        return ["route": .string(route.rawValue), "profile_sha256": .string(profile.sha256)]
    }

    /// What a methods section says of the adapter, so that it can be written from the receipt alone.
    private static func summary(_ card: Adapter.Card) -> JSON {
        [
            "kind": .string(card.kind.rawValue), "rank": .integer(card.rank), "steps": .integer(card.steps),
            "seed": .integer(Int(clamping: card.seed)), "support_count": .integer(card.supportCount),
            "tile_side": .optional(card.tileSide),
        ]
    }
}

/// The way from decoded samples to what the encoder sees, as text for receipts and cache keys.
enum Preprocessing {
    static let window = Window.automatic
    static var version: String { "\(window); \(Preprocessor.version)" }
}
