import Basics

/// Answers as rows of a table, one for each mask: what a study's spreadsheet wants, from the JSON that a script has kept.
package enum AnswerTable {
    /// Where a column's value stands in an answer and in one of its masks.
    private enum Place {
        case answer([String])
        case mask([String])
        case metric(String)
        /// Whose the metrics are.
        case metricsOf
    }

    private static let places: [(column: String, place: Place)] = [
        ("image", .answer(["image", "id"])), ("width", .answer(["image", "width"])),
        ("height", .answer(["image", "height"])), ("task", .answer(["task"])), ("tier", .answer(["tier"])),
        ("model", .answer(["receipt", "model", "name"])), ("model_sha256", .answer(["receipt", "model", "sha256"])),
        ("adapter_version", .answer(["adapter_version"])), ("adapter_sha256", .answer(["receipt", "adapter_sha256"])),
        ("prompt", .mask(["prompt"])), ("candidate", .mask(["candidate"])), ("instance", .mask(["instance"])),
        ("label", .mask(["label"])), ("found", .mask(["found"])), ("score", .mask(["score"])),
        ("agreement", .mask(["agreement"])), ("review", .answer(["review", "needed"])),
        ("far_from_support", .answer(["far_from_support", "value"])),
        ("area_px", .mask(["area_px"])), ("area_mm2", .mask(["area_mm2"])), ("x0", .mask(["bounds", "x0"])),
        ("y0", .mask(["bounds", "y0"])), ("x1", .mask(["bounds", "x1"])), ("y1", .mask(["bounds", "y1"])),
        ("dice", .metric("dice")), ("jaccard", .metric("jaccard")), ("asd_px", .metric("asd_px")),
        ("hd95_px", .metric("hd95_px")), ("asd_mm", .metric("asd_mm")), ("hd95_mm", .metric("hd95_mm")),
        ("metrics_of", .metricsOf),
        ("version", .answer(["receipt", "build", "version"])), ("receipt_sha256", .answer(["receipt_sha256"])),
    ]

    package static var columns: [String] { places.map(\.column) }

    /// The header and the rows of `answers` (RFC 4180). What is null is left empty.
    ///
    /// The metrics are the row's own where its mask is the only one, or that of a label. Masks of several boxes and single objects have
    /// none: theirs are of all masks together, and `metrics_of` says so. An alternative that is not the best has none at all.
    package static func csv(_ answers: [JSON]) -> String { text([columns] + answers.flatMap(rows)) }

    /// The same of files that hold an answer each, whose names come first: of the image a receipt has the hash alone.
    package static func csv(files: [(file: String, answer: JSON)]) -> String {
        text([["file"] + columns] + files.flatMap { file in rows(file.answer).map { [file.file] + $0 } })
    }

    private static func rows(_ answer: JSON) -> [[String]] {
        (answer["masks"]?.elements ?? []).map { mask in
            let metrics = metrics(of: mask, answer)
            return places.map { place in
                switch place.place {
                case .answer(let path): value(path, in: answer)
                case .mask(let path): value(path, in: mask)
                case .metric(let name): value([name], in: metrics?.values ?? .null)
                case .metricsOf: metrics?.of ?? ""
                }
            }
        }
    }

    private static func text(_ rows: [[String]]) -> String {
        rows.map { $0.map(\.csvField).joined(separator: ",") + "\r\n" }.joined()
    }

    private static func metrics(of mask: JSON, _ answer: JSON) -> (of: String, values: JSON)? {
        if let own = mask["metrics"], own != .null { return ("mask", own) }
        func isCounted(_ mask: JSON) -> Bool { (mask["candidate"]?.integerValue ?? 0) == 0 }
        guard let shared = answer["metrics"], shared != .null, isCounted(mask) else { return nil }
        return (answer["masks"]?.elements?.count(where: isCounted) == 1 ? "mask" : "all masks", shared)
    }

    private static func value(_ path: [String], in root: JSON) -> String {
        let value = path.reduce(root) { $0[$1] ?? .null }
        return switch value {
        case .null: ""
        case .string(let text): text
        default: value.text()
        }
    }
}
