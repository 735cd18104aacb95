/// What a client asks of an image: everything, but for the image itself, that the masks depend on and the client chooses.
///
/// A receipt holds it whole, so that the request can be made again from the receipt alone.
package struct SegmentOptions: Sendable, Equatable {
    package var prompts: PromptsRequest
    package var multimask: Bool

    static let names = ["prompts", "multimask"]

    package init(prompts: PromptsRequest = .none, multimask: Bool = false) {
        self.prompts = prompts
        self.multimask = multimask
    }

    /// Of the members of a request, or of a receipt.
    init(_ fields: Fields) throws(Problem) {
        prompts =
            try fields.value("prompts").map { json throws(Problem) in
                try PromptsRequest(json, path: fields.path(of: "prompts"))
            } ?? .none
        multimask = try fields.bool("multimask") ?? false
    }

    /// The one canonical form.
    package var json: JSON { ["prompts": prompts.json, "multimask": .bool(multimask)] }
}
