import Adaptation
import HTTP
import Imaging
import Server
import Storage

/// The support set of a form: images and masks, paired, to be checked file by file.
struct SupportForm: Sendable {
    let pairing: Pairing
    /// Whom each image shows, by its file stem, where the client said so.
    let patientNames: [String: String]
    /// What the masks outline.
    private(set) var labels: TaskLabels
    private let images: [ImageUpload]
    private let masks: [ImageUpload]
    let stems: [String]
    /// What to call the files in a message.
    let names: [FindingAnswer.Names]

    /// - Parameters:
    ///   - room: Examples that may still be added.
    ///   - taken: Stems of examples that are there already.
    ///   - patientsPath: Where `patients` was found.
    init(
        _ form: Form, room: Int, taken: [String] = [], patients: [String: String], patientsPath: String,
        labels: TaskLabels
    ) throws(Problem) {
        patientNames = patients
        self.labels = labels
        let (images, masks) = (form.all("image"), form.all("mask"))
        for (name, count) in [("image", images.count), ("mask", masks.count)] where count > room {
            throw Problem(
                .tooLarge, "\(count) parts \"\(name)\" were sent", field: name,
                hint: "at most \(room) more examples are taken")
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
            part.filename.flatMap(FileStem.of).map { String($0.prefix(200)) } ?? "example-\(taken.count + index + 1)"
        }
        if let (index, stem) = stems.enumerated().first(where: { taken.contains($1) }) {
            throw Problem.invalid(
                "image[\(index)]", "the task has an example called \(Quoted(stem)) already",
                hint:
                    "rename the file if it is another image; what a task has learnt from is not replaced: create the task anew without it"
            )
        }
        let (stems, pairing) = (self.stems, self.pairing)
        if let repeated = stems.indices.first(where: { stems[..<$0].contains(stems[$0]) }) {
            throw Problem(
                .unpairedExample, "two images have the file stem \(Quoted(stems[repeated]))",
                field: "image[\(repeated)]", hint: "rename one: examples are known by the stems of their images")
        }
        names = stems.enumerated().map { index, stem in
            let mask = pairing.maskOfImage[index]
            return FindingAnswer.Names(
                image: images[index].filename.map { String($0.prefix(200)) } ?? stem,
                mask: masks[mask].filename.map { String($0.prefix(200)) } ?? "the mask of \(stem)",
                maskField: "mask[\(mask)]")
        }
        for stem in patients.keys.sorted() where !stems.contains(stem) {
            let nearest = NearestName.suggestion(for: stem, among: stems).map { "did you mean \"\($0)\"? " } ?? ""
            throw Problem.invalid(
                "\(patientsPath).\(stem.prefix(80))", "no image has the file stem \(Quoted(stem))",
                hint: "\(nearest)give the stems of the images that are sent")
        }
    }

    /// The same set for these labels.
    func with(_ labels: TaskLabels) -> SupportForm {
        var form = self
        form.labels = labels
        return form
    }

    var exampleCount: Int { images.count }

    /// Whom some of the images show, as far as it is known.
    ///
    /// - Parameter pictures: A hash of each one's pixels: one picture is of one patient.
    func patients(_ indices: [Int], pictures: [String]) -> PatientGroups {
        let stems = indices.map { self.stems[$0] }
        return PatientGroups(stems: stems, given: stems.map { patientNames[$0] }, pictures: pictures)
    }

    /// The images' sizes, as their files' heads tell them; of those that tell none, nothing: decoding will say why.
    func sizes(limits: ImageLimits) -> [(width: Int, height: Int)] {
        images.compactMap { try? $0.size(limits: limits) }
    }

    /// What the linter wants to know of example `index`.
    func traits(_ index: Int, limits: ImageLimits) throws(Problem) -> ExampleTraits {
        let pixels = try decode(index, limits: limits)
        return try traits(index, pixels, read(pixels.mask, masks[pairing.maskOfImage[index]]))
    }

    private func decode(_ index: Int, limits: ImageLimits) throws(Problem) -> (image: RawImage, mask: RawImage) {
        (try images[index].decode(limits: limits), try masks[pairing.maskOfImage[index]].decode(limits: limits))
    }

    private func traits(
        _ index: Int, _ pixels: (image: RawImage, mask: RawImage), _ decoded: LabelImage
    ) throws(Problem) -> ExampleTraits {
        ExampleTraits(
            image: pixels.image, mask: pixels.mask, labels: labels.isBinary ? nil : decoded,
            imageHash: PixelHash.of(pixels.image), maskHash: labels.hash(decoded),
            isMaskLossy: try masks[pairing.maskOfImage[index]].mediaType() == "image/jpeg")
    }

    private func read(_ raw: RawImage, _ mask: ImageUpload) throws(Problem) -> LabelImage {
        do throws(TaskLabels.Misfit) {
            return try labels.read(raw)
        } catch {
            throw Problem(error, labels, field: mask.field, name: "the mask \(mask.name)")
        }
    }

    /// The masks that can be read and mark something, and what is set aside for them.
    func masks(
        limits: ImageLimits, memory: AnswerMemory
    ) throws(Problem) -> (masks: [Mask], room: AnswerMemory.Room?) {
        var (found, bytes, room) = ([Mask](), 0, AnswerMemory.Room?.none)
        for mask in masks {
            guard let decoded = try? Mask(mask.decode(limits: limits)), !decoded.isEmpty else { continue }
            bytes += decoded.pixels.count
            // Given back before it is claimed with the next mask's, so that a set that never fits is told so.
            room = nil
            room = try memory.claim(bytes, for: "the masks up to \(mask.name)", field: mask.field)
            found.append(decoded)
        }
        return (found, room)
    }

    /// Decodes example `index` and checks that it can be learnt from.
    ///
    /// - Returns: The example, ready to be stored, and what the linter wants to know of it.
    func example(_ index: Int, limits: ImageLimits) throws(Problem) -> (example: NewExample, traits: ExampleTraits) {
        let (image, mask) = (images[index], masks[pairing.maskOfImage[index]])
        let pixels = try decode(index, limits: limits)
        let (rawImage, rawMask) = pixels
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
        let decoded = try read(rawMask, mask)
        guard !decoded.present.isEmpty else {
            throw Problem(
                .emptyMask, "the mask \(mask.name) marks no pixel", field: mask.field,
                hint: labels.isBinary
                    ? "every non-zero pixel marks the object; leave examples without it out"
                    : "leave examples that show none of the labels out")
        }
        let traits = try traits(index, pixels, decoded)
        let example = NewExample(
            stem: stems[index], image: image.stored, mask: mask.stored, imageHash: traits.imageHash,
            maskHash: traits.maskHash, width: rawImage.width, height: rawImage.height,
            patient: patientNames[stems[index]])
        return (example, traits)
    }
}

/// The form of `POST /v1/tasks`: the part `task`, and a support set, an adapter's file, or both.
struct TaskForm: Sendable {
    let task: TaskRequest
    /// Nil: an adapter alone is imported.
    let support: SupportForm?
    /// The file of an adapter that was made elsewhere.
    let adapter: Part?

    init(_ context: RequestContext, maximumExamples: Int) throws(Problem) {
        let hint = "send a form: curl -F 'task={\"name\": \"heart\"}' -F image=@1.png -F mask=@1_mask.png …"
        guard case .multipart(let parts) = context.request.body else {
            throw context.unsupportedMediaType([.multipartFormData], hint: hint)
        }
        let form = try Form(parts, single: ["task", "adapter"], repeated: ["image", "mask"])
        guard let json = try form.json("task") else {
            throw Problem.missing("task", "the part \"task\" is missing", hint: hint)
        }
        task = try TaskRequest(json, path: "task")
        adapter = form["adapter"]
        if adapter != nil, form.all("image").isEmpty, form.all("mask").isEmpty {
            support = nil
        } else {
            support = try SupportForm(
                form, room: maximumExamples, patients: task.patients, patientsPath: "task.patients",
                labels: task.labels ?? TaskLabels([]))
        }
    }
}
