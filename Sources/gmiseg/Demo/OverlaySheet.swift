import Imaging

/// One query's picture: image and truth, then the mask of each prompt, before (upper row) and after (lower row).
struct OverlaySheet {
    private let image: RGBImage
    private let truth: Mask
    private var masks: [String: Mask] = [:]

    init(image path: String, truth: Mask) throws {
        image = RGBImage(try ImageDecoder.decode(path: path))
        self.truth = truth
    }

    mutating func add(_ mask: Mask, prompt: DemoPrompt, tier: DemoScores.Tier) {
        masks["\(prompt)-\(tier)"] = mask
    }

    var picture: RGBImage {
        let rows = DemoScores.Tier.allCases.map { tier in
            [Panel(tier == .base ? image : outlined(image), caption: tier == .base ? "image" : "truth")]
                + DemoPrompt.allCases.map { prompt in
                    let caption = "\(tier.rawValue), \(prompt == .none ? "no prompt" : prompt.rawValue)"
                    guard let mask = masks["\(prompt)-\(tier)"] else { return Panel(image, caption: caption) }
                    return Panel(
                        outlined(Overlay.draw(mask, over: image, colour: .orange)), caption: caption)
                }
        }
        return PanelSheet.draw(rows)
    }

    private func outlined(_ picture: RGBImage) -> RGBImage {
        Overlay.drawContour(truth, over: picture, colour: .green)
    }
}
