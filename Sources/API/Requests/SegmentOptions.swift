import Imaging

/// What a client asks of an image: everything, but for the image itself, that the masks depend on and the client chooses.
///
/// A receipt holds it whole, so that the request can be made again from the receipt alone.
package struct SegmentOptions: Sendable, Equatable {
    package var prompts: PromptsRequest
    package var multimask: Bool
    /// Whether prompts nearby are tried, to tell how much the answer depends on this one.
    package var uncertainty: Bool
    /// Whether every object gets a mask of its own.
    package var instances: Bool
    /// Whether the image's mirror image is asked as well, and the logits of both averaged.
    package var flips: Bool

    static let names = ["prompts", "multimask", "uncertainty", "instances", "flips"]

    package init(
        prompts: PromptsRequest = .none, multimask: Bool = false, uncertainty: Bool = false, instances: Bool = false,
        flips: Bool = false
    ) {
        self.prompts = prompts
        self.multimask = multimask
        self.uncertainty = uncertainty
        self.instances = instances
        self.flips = flips
    }

    /// Of the members of a request, or of a receipt.
    ///
    /// - Parameter imageLimits: Of a mask prompt.
    init(_ fields: Fields, imageLimits: ImageLimits = .standard) throws(Problem) {
        prompts =
            try fields.value("prompts").map { json throws(Problem) in
                try PromptsRequest(json, path: fields.path(of: "prompts"), imageLimits: imageLimits)
            } ?? .none
        multimask = try fields.bool("multimask") ?? false
        uncertainty = try fields.bool("uncertainty") ?? false
        instances = try fields.bool("instances") ?? false
        flips = try fields.bool("flips") ?? false
        if flips {
            let others = [("multimask", multimask), ("uncertainty", uncertainty), ("instances", instances)]
            if let other = others.first(where: \.1)?.0 {
                throw Problem.invalid(
                    fields.path(of: "flips"), "\"flips\" averages one answer, and \"\(other)\" asks for several",
                    hint: "leave \"\(other)\" out, or send it in a request of its own without \"flips\"")
            }
        }
        guard instances else { return }
        let others = [("prompts", !prompts.isEmpty), ("multimask", multimask), ("uncertainty", uncertainty)]
        if let other = others.first(where: \.1)?.0 {
            throw Problem.invalid(
                fields.path(of: "instances"), "\"instances\" asks for all objects, beside \"\(other)\" for one",
                hint: "leave \"\(other)\" out, or send \"instances\" in a request of its own")
        }
    }

    /// The one canonical form.
    package var json: JSON {
        [
            "prompts": prompts.json, "multimask": .bool(multimask), "uncertainty": .bool(uncertainty),
            "instances": .bool(instances), "flips": .bool(flips),
        ]
    }
}
