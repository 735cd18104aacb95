import Foundation
import HTTP
import Imaging
import Server

/// `POST …/segment` in either of its forms: multipart (files as parts) or JSON (files in base64).
struct SegmentRequest: Sendable {
    let source: ImageSource
    let groundTruth: ImageUpload?
    let spacing: SpacingRequest?
    /// Nil: the task's own, or the server's default.
    let model: String?
    /// What the bytes of a JSON request's files take for as long as it waits; nil where they are elsewhere.
    let room: AnswerMemory.Room?
    /// What `options` is read from.
    private let optionFields: Fields

    /// Whether a mask prompt came along, a picture that is to be decoded where pictures are.
    var bringsMask: Bool { optionFields.value("prompts")?["mask"].map { $0 != .null } ?? false }

    /// Everything but the image that the masks depend on. Decodes the mask prompt, if there is one.
    func options(limits: ImageLimits) throws(Problem) -> SegmentOptions {
        try SegmentOptions(optionFields, imageLimits: limits)
    }

    /// Fields that a form has as JSON texts, read by the rules of their JSON forms.
    private static let jsonNames = SegmentOptions.names + ["spacing_mm"]
    private static let names = ["image", "image_id", "ground_truth", "model"] + jsonNames
    private static let hint =
        "send a form, curl -F image=@scan.png -F 'prompts={\"points\": [{\"x\": 120, \"y\": 80, \"label\": 1}]}', or JSON"

    /// - Parameter memory: Of it the files of a JSON request are given room.
    init(_ context: RequestContext, memory: AnswerMemory) throws(Problem) {
        switch context.request.body {
        case .multipart(let parts):
            try self.init(Form(parts, single: Self.names))
        case .content(let content) where context.contentType?.essence == MediaType.json.essence:
            let bytes = try content.bytes(field: "body", limit: JSONParser.Limits().maximumByteCount)
            try self.init(json: try JSON.parse(bytes, field: "body"), memory: memory)
        case .content, .none:
            throw context.unsupportedMediaType([.multipartFormData, .json], hint: Self.hint)
        }
    }

    private init(_ form: Form) throws(Problem) {
        source = try ImageSource(form, hint: Self.hint)
        groundTruth = form["ground_truth"].map { ImageUpload($0, field: "ground_truth") }
        model = try form.text("model")
        room = nil
        var members: [JSON.Member] = []
        for name in Self.jsonNames {
            let limit = name == "prompts" ? PromptsRequest.byteLimit : 1_024
            if let value = try form.json(name, byteLimit: limit) { members.append(.init(name, value)) }
        }
        let fields = try Fields(.object(members), path: "", known: Self.jsonNames)
        optionFields = fields
        try PromptsRequest.checkRuns(fields.value("prompts")?["mask"], path: "prompts.mask")
        spacing = try SpacingRequest(fields, "spacing_mm")
    }

    private init(json: JSON, memory: AnswerMemory) throws(Problem) {
        let fields = try Fields(json, path: "", known: Self.names)
        let files = ["image", "ground_truth"].compactMap { fields.value($0)?.stringValue?.utf8.count }
        room =
            files.isEmpty
            ? nil : try memory.claim(files.reduce(0, +) / 4 * 3, for: "the request's files", field: "body")
        let image = try Self.base64(fields, "image")
        source = try ImageSource(image, id: try fields.string("image_id", maximumLength: 100), hint: Self.hint)
        // Not the image's text, which would be kept beside its bytes for as long as the request waits.
        optionFields = try Fields(
            .object((json.members ?? []).filter { Self.jsonNames.contains($0.name) }), path: "", known: Self.jsonNames)
        try PromptsRequest.checkRuns(optionFields.value("prompts")?["mask"], path: "prompts.mask")
        groundTruth = try Self.base64(fields, "ground_truth")
        spacing = try SpacingRequest(fields, "spacing_mm")
        model = try fields.string("model", maximumLength: 200)
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

/// The image that a request is about: sent along, or uploaded before.
enum ImageSource: Sendable {
    case upload(ImageUpload)
    case stored(id: String)

    /// The parts `image` and `image_id` of a form.
    init(_ form: Form, hint: String) throws(Problem) {
        let image = form["image"].map { ImageUpload($0, field: "image") }
        try self.init(image, id: try form.text("image_id"), hint: hint)
    }

    init(_ image: ImageUpload?, id: String?, hint: String) throws(Problem) {
        switch (image, id) {
        case (let image?, nil): self = .upload(image)
        case (nil, let id?): self = .stored(id: id)
        case (nil, nil): throw Problem.missing("image", "neither \"image\" nor \"image_id\" was sent", hint: hint)
        case (.some, .some):
            throw Problem.invalid(
                "image_id", "both \"image\" and \"image_id\" were sent",
                hint: "send one: the file, or the id of an upload")
        }
    }
}
