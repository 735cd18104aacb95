import Foundation
import HTTP
import Imaging
import Server

/// `POST …/segment` in either of its forms: multipart (files as parts) or JSON (files in base64).
struct SegmentRequest: Sendable {
    enum Source: Sendable {
        case upload(ImageUpload)
        case stored(id: String)
    }

    let source: Source
    let prompts: PromptsRequest
    let groundTruth: ImageUpload?
    let multimask: Bool
    let spacing: SpacingRequest?
    /// Nil: the task's own, or the server's default.
    let model: String?

    private static let names = ["image", "image_id", "prompts", "ground_truth", "multimask", "spacing_mm", "model"]
    private static let hint =
        "send a form, curl -F image=@scan.png -F 'prompts={\"points\": [{\"x\": 120, \"y\": 80, \"label\": 1}]}', or JSON"

    init(_ context: RequestContext) throws(Problem) {
        switch context.request.body {
        case .multipart(let parts):
            try self.init(Form(parts, single: Self.names))
        case .content(let content) where context.contentType?.essence == MediaType.json.essence:
            let bytes = try content.bytes(field: "body", limit: JSONParser.Limits().maximumByteCount)
            try self.init(json: try JSON.parse(bytes, field: "body"))
        case .content, .none:
            throw context.unsupportedMediaType([.multipartFormData, .json], hint: Self.hint)
        }
    }

    private init(_ form: Form) throws(Problem) {
        let image = form["image"].map { ImageUpload($0, field: "image") }
        source = try Self.source(image, id: try form.text("image_id"))
        prompts =
            try form.json("prompts").map { json throws(Problem) in try PromptsRequest(json, path: "prompts") } ?? .none
        groundTruth = form["ground_truth"].map { ImageUpload($0, field: "ground_truth") }
        model = try form.text("model")
        // A form has only texts: these two are read by the rules of their JSON forms.
        var members: [JSON.Member] = []
        for name in ["multimask", "spacing_mm"] {
            if let value = try form.json(name) { members.append(.init(name, value)) }
        }
        let fields = try Fields(.object(members), path: "", known: ["multimask", "spacing_mm"])
        multimask = try fields.bool("multimask") ?? false
        spacing = try SpacingRequest(fields, "spacing_mm")
    }

    private init(json: JSON) throws(Problem) {
        let fields = try Fields(json, path: "", known: Self.names)
        let image = try Self.base64(fields, "image")
        source = try Self.source(image, id: try fields.string("image_id", maximumLength: 100))
        prompts =
            try fields.value("prompts").map { json throws(Problem) in try PromptsRequest(json, path: "prompts") }
            ?? .none
        groundTruth = try Self.base64(fields, "ground_truth")
        multimask = try fields.bool("multimask") ?? false
        spacing = try SpacingRequest(fields, "spacing_mm")
        model = try fields.string("model", maximumLength: 200)
    }

    private static func source(_ image: ImageUpload?, id: String?) throws(Problem) -> Source {
        switch (image, id) {
        case (let image?, nil): return .upload(image)
        case (nil, let id?): return .stored(id: id)
        case (nil, nil): throw Problem.missing("image", "neither \"image\" nor \"image_id\" was sent", hint: hint)
        case (.some, .some):
            throw Problem.invalid(
                "image_id", "both \"image\" and \"image_id\" were sent",
                hint: "send one: the file, or the id of an upload")
        }
    }

    private static func base64(_ fields: Fields, _ name: String) throws(Problem) -> ImageUpload? {
        guard let text = try fields.string(name, maximumLength: Int.max) else { return nil }
        guard let data = Data(base64Encoded: text) else {
            throw Problem.invalid(
                name, "\"\(name)\" is not base64",
                hint: "encode the file, base64 -w0 scan.png, without a data: prefix and without line ends")
        }
        return ImageUpload(content: .memory([UInt8](data)), field: name, name: "\"\(name)\"")
    }
}
