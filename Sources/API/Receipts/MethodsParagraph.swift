import Adaptation
import SegmentAnything

/// The methods section's paragraph about an answer, written from its receipt alone: what answered, how it was adapted,
/// what it was told, and how to check it, with the works to cite.
package enum MethodsParagraph {
    private static let segmentAnything =
        "Kirillov A. et al., Segment Anything, Proceedings of the IEEE/CVF International Conference on Computer Vision, 2023"
    private static let lowRank =
        "Hu E. J. et al., LoRA: Low-Rank Adaptation of Large Language Models, International Conference on Learning "
        + "Representations, 2022"
    private static let general = "Xu J., GMISeg: General Medical Image Segmentation without Re-Training"

    /// - Parameter receipt: The member `receipt` of an answer; what it lacks is left out.
    package static func text(_ receipt: JSON) -> String {
        var works = [segmentAnything]
        var sentences = [program(receipt)]
        sentences.append(adaptation(receipt, &works))
        sentences.append(prompts(receipt))
        if let labels = labels(receipt) { sentences.append(labels) }
        if receipt["request"]?["flips"] == true {
            sentences.append("The mirror image was segmented as well, and the logits of both were averaged.")
        }
        sentences.append(
            "Logits were brought to the image's size by bilinear interpolation and thresholded at 0. A receipt of every "
                + "answer names pixels, weights, adapter and program by hash and holds the prompts; POST /v1/verify repeats it."
        )
        let cited = works.enumerated().map { "[\($0 + 1)] \($1)." }
        return (sentences + ["References:"] + cited).joined(separator: " ")
    }

    private static func program(_ receipt: JSON) -> String {
        let build = receipt["build"]
        let details = [
            build?["executable_sha256"]?.stringValue.map { "executable SHA-256 \($0)" },
            build?["kernels"]?.stringValue.map { "\($0) kernels" },
        ].compactMap(\.self)
        let version = build?["version"]?.stringValue ?? "of an unknown version"
        return
            "Masks were made with GMISeg \(version)\(details.isEmpty ? "" : " (\(details.joined(separator: ", ")))"), "
            + "which runs the Segment Anything architecture [1] with the weights "
            + "\(receipt["model"]?["name"]?.stringValue ?? "of an unnamed model") "
            + "(SHA-256 \(receipt["model"]?["sha256"]?.stringValue ?? "unknown"))."
    }

    private static func adaptation(_ receipt: JSON, _ works: inout [String]) -> String {
        guard receipt["tier"] == "adapted" else { return "The model was used as it is, without adaptation." }
        let card = receipt["adaptation"]
        let kind = card?["kind"]?.stringValue ?? ""
        works.append(general)
        var trained: [String] = []
        if kind.contains("lora") || kind.contains("pooled") {
            works.append(lowRank)
            let rank = card?["rank"]?.integerValue.map { " of rank \($0)" } ?? ""
            let updates =
                kind.contains("pooled")
                ? "one low-rank update\(rank), shared by all blocks," : "low-rank updates\(rank)"
            trained.append("\(updates) of the image encoder [3]")
        }
        if kind.contains("decoder") { trained.append("the mask decoder") }
        if (receipt["labels"]?.elements?.count ?? 0) > 1 {
            trained.append("a query and a default prompt for each label")
        }
        let count = card?["support_count"]?.integerValue ?? 0
        let numbers = [
            card?["steps"]?.integerValue.map { "\($0) steps" }, card?["seed"]?.integerValue.map { "seed \($0)" },
            receipt["adapter_version"]?.integerValue.map { "adapter version \($0)" },
            receipt["adapter_sha256"]?.stringValue.map { "SHA-256 \($0)" },
        ].compactMap(\.self)
        return "The model was adapted to the task from \(count) labelled image\(count == 1 ? "" : "s") [2] by training "
            + "\(trained.isEmpty ? "an adapter" : trained.joined(separator: " and ")) with all other weights frozen "
            + "(\(numbers.joined(separator: ", ")))." + beginning(card) + members(card) + tiles(card)
    }

    /// What the training went on from; the tensors come of both.
    private static func beginning(_ card: JSON?) -> String {
        guard let before = card?["continued"], let count = before["support_count"]?.integerValue else { return "" }
        return " The training began with an earlier adapter (\(before["steps"]?.text() ?? "?") steps, its last run on "
            + "\(count) labelled image\(count == 1 ? "" : "s"), SHA-256 \(before["sha256"]?.stringValue ?? "unknown"))."
    }

    private static func members(_ card: JSON?) -> String {
        guard let count = card?["members"]?.integerValue else { return "" }
        return
            " The adapter is the mean of \(count), each trained without another part of these images."
    }

    private static func tiles(_ card: JSON?) -> String {
        guard let side = card?["tile_side"]?.integerValue else { return "" }
        return
            " Images were segmented in overlapping tiles of \(side) pixels a side at their own resolution; where tiles "
            + "overlap, the logits were averaged, weighted by the distance from the tile's edge."
    }

    /// Which labels were told apart; nil where there is one.
    private static func labels(_ receipt: JSON) -> String? {
        let names = (receipt["labels"]?.elements ?? []).compactMap { label in
            label["name"]?.stringValue.map { "\($0) (\(label["value"]?.text() ?? "?"))" }
        }
        guard !names.isEmpty else { return nil }
        if let asked = receipt["request"]?["prompts"]?["label"] {
            return "Of the labels \(names.joined(separator: ", ")), number \(asked.text()) was asked for."
        }
        guard names.count > 1 else { return "The label \(names[0]) was segmented." }
        let byLikeness =
            receipt["promptless"]?["contest"] == nil
            ? ""
            : ", by the sum of its logit and of the log-odds of its likeness to the support set where there are any"
        return
            "The labels \(names.joined(separator: ", ")) were segmented together, and of those that were likelier than the background "
            + "at a pixel it was given to the likeliest\(byLikeness)."
    }

    /// What the support set itself did in place of a prompt.
    private static func way(_ receipt: JSON) -> String {
        let likeness =
            " The tokens of the image embedding, their neighbourhoods and their places in the image were compared with those of the object and "
            + "of its surroundings in the support set by a linear discriminant, and "
        let promptless = receipt["promptless"]
        let routes = promptless?["routes"]?.elements ?? promptless?["route"].map { [$0] } ?? []
        let ways = Set(routes.compactMap(\.stringValue))
        if ways.contains(PromptlessRoute.blend.rawValue) {
            return likeness
                + "half of the log-odds, by the model without the adapter and within ±8, was added to the adapted model's logits, within ±8."
        }
        // Labels may go different ways; which went which, the receipt says.
        guard ways.count < 2 else {
            return likeness
                + "the map of log-odds gave the mask or a prompt, by the way that did best for each label there."
        }
        return switch routes.first?.stringValue {
        case "prototype-map": likeness + "the map of log-odds was taken as the mask."
        case "prototype-mask": likeness + "the map of log-odds was the mask prompt."
        case "prototype-box": likeness + "the box around the likeliest region was the prompt."
        case "prototype-point": likeness + "the likeliest place was the prompt."
        case "pixel-prototypes":
            " The pixels of the image were compared with those of the object and of its surroundings in the support set, by a linear "
                + "discriminant of their local contrast, the window's brightness and deviation, the contrast smoothed, its gradients and curvatures at "
                + "four scales, and the products of these, and the map "
                + "of log-odds was taken as the mask; no network drew it."
        default: ""
        }
    }

    /// What was dropped of the masks.
    private static func debris(_ receipt: JSON) -> String {
        let least = receipt["promptless"]?["least_region_px"]
        let sizes = (least?.elements ?? least.map { [$0] } ?? []).compactMap(\.integerValue)
        guard let low = sizes.min(), let high = sizes.max() else { return "" }
        return
            " Connected regions below \(low == high ? "\(low)" : "\(low) to \(high), by label,") pixels, a quarter of the "
            + "smallest that the support set marks, were removed, but for the largest."
    }

    private static func prompts(_ receipt: JSON) -> String {
        let request = receipt["request"] ?? .null
        let points = request["prompts"]?["points"]?.elements ?? []
        let boxes = request["prompts"]?["boxes"]?.elements?.count ?? 0
        let foreground = points.count { $0["label"] == 1 }
        var kinds: [String] = []
        if boxes > 0 { kinds.append(boxes == 1 ? "a bounding box" : "\(boxes) bounding boxes, one for each object") }
        if foreground > 0 { kinds.append("\(foreground) foreground point\(foreground == 1 ? "" : "s")") }
        let background = points.count - foreground
        if background > 0 { kinds.append("\(background) background point\(background == 1 ? "" : "s")") }
        if request["prompts"]?["mask"]?.members != nil { kinds.append("an earlier mask") }
        let candidates = request["multimask"] == true ? ", with all candidate masks of the model" : ""
        if request["instances"] == true { return instances(receipt) + way(receipt) + apart(receipt) }
        guard !kinds.isEmpty else {
            return "No prompt was given\(candidates)." + way(receipt) + closeups(receipt, isPrompted: false)
                + debris(receipt)
        }
        return "The image was prompted with \(kinds.joined(separator: ", "))\(candidates)."
            + looking(receipt, points: points.count, foreground: foreground, boxes: boxes)
            + fitting(receipt, points: points.count, background) + closeups(receipt, isPrompted: true)
    }

    /// Which objects of a task were dropped, and who got what two of them claimed.
    private static func apart(_ receipt: JSON) -> String {
        let least = receipt["promptless"]?["least_region_px"]?.integerValue
        guard receipt["promptless"]?["route"] != nil || receipt["tier"] == "adapted" else { return "" }
        let small =
            least.map {
                " Objects below \($0) pixels, a quarter of the smallest region that the support set marks, were dropped."
            } ?? ""
        return
            " A pixel of two objects was given to the one with the higher score; objects of which half lay in one of at least four times "
            + "their area, or in better ones, were dropped." + small
    }

    /// How objects were told apart, and which were left out: it decides their number.
    private static func instances(_ receipt: JSON) -> String {
        let way = receipt["promptless"]?["route"]?.stringValue
        guard way != nil || receipt["tier"] == "adapted" else {
            return
                "Objects were sought by a grid of \(InstanceFinder.gridSide) × \(InstanceFinder.gridSide) points, each answered by itself; answers with a predicted intersection "
                + "over union of at least \(InstanceFinder.quality) and a stability of at least \(InstanceFinder.stability) were kept, the better of any two that overlap by more "
                + "than half."
        }
        let isOfPixels =
            way == PromptlessRoute.pixels.rawValue || receipt["adaptation"]?["tile_side"]?.integerValue != nil
        let cut =
            "No prompt was given; the answer was cut where objects touch, by a watershed of the distance to the outside, and each piece of at least "
            + "\(InstanceFinder.leastArea) "
        return isOfPixels
            ? cut + "pixels was taken as an object."
            : cut
                + "cells of the network's output was asked for again by its box and its innermost point, and left as it was where the answer "
                + "overlapped it by less than half."
    }

    /// On which part of the image, and in which steps (docs/decisions/0009 and 0022).
    private static func looking(_ receipt: JSON, points: Int, foreground: Int, boxes: Int) -> String {
        let request = receipt["request"]
        guard receipt["model"]?["focused"] == true, request?["prompts"]?["mask"]?.members == nil,
            receipt["adaptation"]?["tile_side"]?.integerValue == nil
        else { return "" }
        let square = "a square twice as long as its longer side"
        if boxes > 0 {
            let unless = points == 0 ? "that is most of the image" : "that is most of the image or a point lies beyond"
            return " Unless \(unless), \(boxes == 1 ? "the" : "each") box was answered on \(square)."
        }
        guard receipt["tier"] != "adapted", foreground > 0, request?["multimask"] != true else { return "" }
        let twice =
            "answered on the whole image and, unless what was found there fills most of it, again on that, on \(square)."
        switch points {
        case 1: return " The point was \(twice)"
        case ...Inquiry.replayed:
            return
                " Points were \(twice) Where each point contradicted the answer to those before it, they were asked one by one, each with all "
                + "before it and with half the logits of that answer as the mask prompt."
        default: return " Points were \(twice) They were asked at once."
        }
    }

    /// How thin answers of a model without an adapter were drawn (docs/decisions/0023).
    private static func closeups(_ receipt: JSON, isPrompted: Bool) -> String {
        guard receipt["model"]?["focused"] == true, receipt["tier"] != "adapted",
            receipt["request"]?["multimask"] != true, isPrompted || receipt["promptless"]?.members == nil
        else { return "" }
        return
            " A thin answer, of which less than a quarter of the network's cells had all eight neighbours in it, was left as it was and, if "
            + "what was looked at was larger than the network's input, asked again in at most \(Closeup.limit) overlapping tiles, each with half the "
            + "answer's logits as the mask prompt."
    }

    /// What the image itself did to the answer of a model without an adapter (docs/decisions/0021).
    private static func fitting(_ receipt: JSON, points: Int, _ backgroundPoints: Int) -> String {
        let request = receipt["request"]
        guard receipt["tier"] != "adapted", let share = receipt["model"]?["appearance"]?.doubleValue,
            backgroundPoints == 0,
            request?["multimask"] != true, request?["prompts"]?["mask"]?.members == nil
        else { return "" }
        let unless =
            receipt["model"]?["focused"] == true && (2...Inquiry.replayed).contains(points)
                && request?["prompts"]?["boxes"]?.elements?.isEmpty != false
            ? "Unless points were asked one by one, the" : "The"
        return
            " \(unless) answer was fitted to the image: the log of how much more frequent a brightness and colour is in the object, as the "
            + "network had it, than about it, within ±2.5\(share == 1 ? "" : " and times \(share)"), was added to the logits, and a guided filter moved "
            + "their edges to those of the brightness."
    }
}
