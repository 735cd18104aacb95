import Adaptation
import Basics
import Cryptography
import Imaging
import SegmentAnything

/// Everything that a mask depends on, by hash: the same receipt means the same mask, bit for bit, on the same machine.
struct Receipt: Sendable {
    let json: JSON
    /// SHA-256 of the receipt's compact JSON.
    let sha256: String

    init(
        pixels: String, served: ServedModel, tier: Tier, prompts: PromptsRequest, multimask: Bool,
        preprocessing: String, build: BuildInfo, mask: Mask
    ) {
        let body: JSON = [
            "pixels_sha256": .string(pixels),
            "model": ["name": .string(served.name), "sha256": .string(served.model.sha256)],
            "tier": .string(tier.name),
            "adapter_sha256": .optional(tier.adapter?.adapter.sha256),
            "prompts_sha256": .string(SHA256.hex(prompts.json.encoded())),
            "multimask": .bool(multimask),
            "preprocessing": .string(preprocessing),
            "build": build.json,
            "mask_sha256": .string(PixelHash.of(mask)),
        ]
        json = body
        sha256 = SHA256.hex(body.encoded())
    }
}

/// The way from decoded samples to what the encoder sees, as text for receipts and cache keys.
enum Preprocessing {
    static let window = Window.automatic
    static var version: String { "\(window); \(Preprocessor.version)" }
}
