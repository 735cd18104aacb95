import Basics

/// Answers as rows of a table, one for each mask: what a study's spreadsheet wants, from the JSON that a script has kept.
package enum AnswerTable {
    /// Where a column's value stands in an answer and in one of its masks.
    private enum Place {
        case answer([String])
        case mask([String])
        /// Of the mask where it has metrics of its own, as each label has; else of the answer.
        case metric(String)
    }

    private static let places: [(column: String, place: Place)] = [
        ("image", .answer(["image", "id"])), ("width", .answer(["image", "width"])),
        ("height", .answer(["image", "height"])), ("task", .answer(["task"])), ("tier", .answer(["tier"])),
        ("model", .answer(["receipt", "model", "name"])), ("model_sha256", .answer(["receipt", "model", "sha256"])),
        ("adapter_version", .answer(["adapter_version"])), ("adapter_sha256", .answer(["receipt", "adapter_sha256"])),
        ("prompt", .mask(["prompt"])), ("candidate", .mask(["candidate"])), ("instance", .mask(["instance"])),
        ("label", .mask(["label"])), ("found", .mask(["found"])), ("score", .mask(["score"])),
        ("area_px", .mask(["area_px"])), ("area_mm2", .mask(["area_mm2"])), ("x0", .mask(["bounds", "x0"])),
        ("y0", .mask(["bounds", "y0"])), ("x1", .mask(["bounds", "x1"])), ("y1", .mask(["bounds", "y1"])),
        ("dice", .metric("dice")), ("jaccard", .metric("jaccard")), ("asd_px", .metric("asd_px")),
        ("hd95_px", .metric("hd95_px")), ("asd_mm", .metric("asd_mm")), ("hd95_mm", .metric("hd95_mm")),
        ("version", .answer(["receipt", "build", "version"])), ("receipt_sha256", .answer(["receipt_sha256"])),
    ]

    package static var columns: [String] { places.map(\.column) }

    /// The header and the rows of `answers` (RFC 4180). The metrics are of all masks of an answer together, and stand in
    /// each of its rows, but where masks are of several labels: then each row has those of its label. What is null is left
    /// empty.
    package static func csv(_ answers: [JSON]) -> String {
        let rows = answers.flatMap { answer in
            (answer["masks"]?.elements ?? []).map { mask in places.map { text($0.place, answer, mask) } }
        }
        return ([columns] + rows).map { $0.map(\.csvField).joined(separator: ",") + "\r\n" }.joined()
    }

    private static func text(_ place: Place, _ answer: JSON, _ mask: JSON) -> String {
        let (root, path) =
            switch place {
            case .answer(let path): (answer, path)
            case .mask(let path): (mask, path)
            case .metric(let name): (mask["metrics"] == nil ? answer : mask, ["metrics", name])
            }
        let value = path.reduce(root) { $0[$1] ?? .null }
        return switch value {
        case .null: ""
        case .string(let text): text
        default: value.text()
        }
    }
}
