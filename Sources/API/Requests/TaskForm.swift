import Adaptation
import HTTP
import Imaging
import Server
import Storage

/// The form of `POST /v1/tasks`: the part `task` and the support set, checked file by file.
struct TaskForm: Sendable {
    let task: TaskRequest
    let pairing: Pairing
    private let images: [ImageUpload]
    private let masks: [ImageUpload]
    let stems: [String]
    /// What to call the files in a message.
    let names: [FindingAnswer.Names]

    init(_ context: RequestContext, maximumExamples: Int) throws(Problem) {
        let hint = "send a form: curl -F 'task={\"name\": \"heart\"}' -F image=@1.png -F mask=@1_mask.png …"
        guard case .multipart(let parts) = context.request.body else {
            throw context.unsupportedMediaType([.multipartFormData], hint: hint)
        }
        let form = try Form(parts, single: ["task"], repeated: ["image", "mask"])
        guard let json = try form.json("task") else {
            throw Problem.missing("task", "the part \"task\" is missing", hint: hint)
        }
        task = try TaskRequest(json, path: "task")
        let (images, masks) = (form.all("image"), form.all("mask"))
        for (name, count) in [("image", images.count), ("mask", masks.count)] where count > maximumExamples {
            throw Problem(
                .tooLarge, "\(count) parts \"\(name)\" were sent", field: name,
                hint: "a task takes at most \(maximumExamples) examples")
        }
        if masks.isEmpty, !images.isEmpty {
            throw Problem.missing(
                "mask", "no mask was sent for \(images.count) image\(images.count == 1 ? "" : "s")",
                hint: "add -F mask=@… for each image")
        }
        pairing = try Pairing(images: images.map(\.filename), masks: masks.map(\.filename))
        self.images = images.enumerated().map { ImageUpload($1, field: "image[\($0)]") }
        self.masks = masks.enumerated().map { ImageUpload($1, field: "mask[\($0)]") }
        stems = images.enumerated().map { index, part in
            part.filename.flatMap(FileStem.of).map { String($0.prefix(200)) } ?? "example-\(index + 1)"
        }
        let pairing = self.pairing
        names = stems.enumerated().map { index, stem in
            let mask = pairing.maskOfImage[index]
            return FindingAnswer.Names(
                image: images[index].filename.map { String($0.prefix(200)) } ?? stem,
                mask: masks[mask].filename.map { String($0.prefix(200)) } ?? "the mask of \(stem)",
                maskField: "mask[\(mask)]")
        }
        for stem in task.patients.keys.sorted() where !stems.contains(stem) {
            let nearest = NearestName.suggestion(for: stem, among: stems).map { "did you mean \"\($0)\"? " } ?? ""
            throw Problem.invalid(
                "task.patients.\(stem.prefix(80))", "no image has the file stem \(Quoted(stem))",
                hint: "\(nearest)give the stems of the images that are sent")
        }
    }

    var exampleCount: Int { images.count }

    /// Whom the images show, as far as it is known.
    var patients: PatientGroups { PatientGroups(stems: stems, given: stems.map { task.patients[$0] }) }

    /// What the linter wants to know of example `index`.
    func traits(_ index: Int, limits: ImageLimits) throws(Problem) -> ExampleTraits {
        let (image, mask) = (images[index], masks[pairing.maskOfImage[index]])
        let rawImage = try image.decode(limits: limits)
        return ExampleTraits(
            image: rawImage, mask: try mask.decode(limits: limits), imageHash: PixelHash.of(rawImage),
            isMaskLossy: try mask.mediaType() == "image/jpeg")
    }

    /// Decodes example `index` and checks that it can be learnt from; what it gives is ready to be stored.
    func example(_ index: Int, limits: ImageLimits) throws(Problem) -> NewExample {
        let (image, mask) = (images[index], masks[pairing.maskOfImage[index]])
        let rawImage = try image.decode(limits: limits)
        let rawMask = try mask.decode(limits: limits)
        guard rawImage.width == rawMask.width, rawImage.height == rawMask.height else {
            throw Problem(
                .sizeMismatch,
                "the image \(image.name) has \(rawImage.width) × \(rawImage.height) pixels, "
                    + "its mask \(mask.name) has \(rawMask.width) × \(rawMask.height)",
                field: mask.field,
                hint: pairing.rule == .order
                    ? "pairs were made by order: send images and masks in the same order, or with the same file stems"
                    : "a mask has exactly the size of its image: export it without scaling or cropping",
                extensions: [
                    .init("image_size", [.integer(rawImage.width), .integer(rawImage.height)]),
                    .init("mask_size", [.integer(rawMask.width), .integer(rawMask.height)]),
                ])
        }
        let decoded = Mask(rawMask)
        guard !decoded.isEmpty else {
            throw Problem(
                .emptyMask, "the mask \(mask.name) marks no pixel", field: mask.field,
                hint: "every non-zero pixel marks the object; leave examples without it out")
        }
        return NewExample(
            stem: stems[index], image: image.stored, mask: mask.stored, imageHash: PixelHash.of(rawImage),
            maskHash: PixelHash.of(decoded), width: rawImage.width, height: rawImage.height,
            patient: task.patients[stems[index]])
    }
}
