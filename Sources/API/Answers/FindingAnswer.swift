import Adaptation
import Imaging

/// A finding in words, for the dry run and for a job's result.
struct FindingAnswer: Sendable, Equatable {
    let severity: Finding.Severity
    let code: String
    /// The file as the client called it; nil: it is about the set.
    let file: String?
    /// The part of the form.
    let field: String?
    let message: String
    let hint: String

    var json: JSON {
        [
            "severity": .string(severity.rawValue), "code": .string(code), "file": .optional(file),
            "field": .optional(field), "message": .string(message), "hint": .string(hint),
        ]
    }

    /// What a request would be refused for.
    init(_ problem: Problem, file: String?) {
        severity = .error
        code = problem.kind.rawValue
        self.file = file
        field = problem.field
        message = problem.detail
        hint = problem.hint ?? ""
    }

    /// - Parameters:
    ///   - names: What the files of the examples are called.
    ///   - places: Where these stand among the parts of the form.
    ///   - labels: Of the task.
    init(_ finding: Finding, names: [Names], places: [Int], labels: TaskLabels) {
        let example = finding.example
        let words = Words(finding.kind, names: names, labels: labels)
        severity = finding.severity
        code = words.code
        file = example.map { words.isAboutMask ? names[$0].mask : names[$0].image }
        field = words.field ?? example.map { words.isAboutMask ? names[$0].maskField : "image[\(places[$0])]" }
        message = words.message
        hint = words.hint
    }

    /// What an example's two files are called.
    struct Names: Sendable, Equatable {
        let image: String
        let mask: String
        let maskField: String
    }

    /// Why a mask is not a label map of the task.
    struct Misfit {
        let message: String
        let hint: String

        init(_ misfit: TaskLabels.Misfit, _ labels: TaskLabels) {
            switch misfit {
            case .colour(let x, let y):
                message = "the pixel at (\(x), \(y)) is coloured, so that it has no label"
                hint = "save label maps as grey or palette PNG, whose values are the numbers in task.labels"
            case .unknown(let values):
                message =
                    "it has the value\(values.count == 1 ? "" : "s") "
                    + "\(values.map(String.init).joined(separator: ", ")), and the task's labels are \(labels.list)"
                hint =
                    values == [255]
                    ? "name 255 in task.labels, or leave task.labels out if the masks are black and white"
                    : "name every value in task.labels; JPEG and smooth scaling make values that nobody drew"
            }
        }
    }

    private struct Words {
        let code: String
        var isAboutMask = false
        /// Where to mend it, if not at the example.
        var field: String?
        let message: String
        let hint: String

        // One row for each thing that the linter knows; splitting the table would hide it.
        init(_ kind: Finding.Kind, names: [Names], labels: TaskLabels) {
            switch kind {
            case .sizeMismatch(let image, let mask):
                self.init(
                    "size-mismatch",
                    "the mask has \(mask.width) × \(mask.height) pixels, its image \(image.width) × \(image.height)",
                    "export the mask without scaling or cropping, and check that it belongs to this image",
                    isAboutMask: true)
            case .emptyMask:
                self.init(
                    "empty-mask", "the mask marks no pixel", "leave examples without the object out", isAboutMask: true)
            case .fullMask(let share):
                self.init(
                    "full-mask", "the mask marks \(Self.percent(share)) of the image",
                    "check that it is not inverted: non-zero pixels mark the object", isAboutMask: true)
            case .invertedMask(let share):
                self.init(
                    "inverted-mask",
                    "the mask marks \(Self.percent(share)) of the image, all of its border, and leaves out something inside",
                    "check that it is not inverted: non-zero pixels mark the object", isAboutMask: true)
            case .greyMask(let isLossy, let share):
                self.init(
                    "grey-mask",
                    "\(Self.percent(share)) of the marked pixels are grey, as "
                        + (isLossy ? "JPEG" : "smooth scaling")
                        + " leaves them around edges; each of them counts as object",
                    "save masks as PNG with two values, and scale them without interpolation", isAboutMask: true)
            case .swapped:
                self.init(
                    "swapped", "this looks like a mask, and its mask like an image",
                    "exchange the two: images go into the parts \"image\", masks into \"mask\"")
            case .flatImage:
                self.init("flat-image", "all pixels of the image are equal", "export the image again")
            case .duplicate(let other, let hasSameMask):
                self.init(
                    "duplicate",
                    "the image is the same as \(names[other].image)" + (hasSameMask ? "" : ", but its mask is another"),
                    hasSameMask
                        ? "leave one out: it teaches nothing"
                        : "decide which mask is right, and leave the other out")
            case .nearDuplicate(let other, let correlation):
                self.init(
                    "near-duplicate",
                    "the image is nearly the same as \(names[other].image) (correlation \(Self.decimal(correlation)))",
                    "prefer images that differ; name the patient of both under task.patients, so that held-out scores stay honest"
                )
            case .samePatient(let examples):
                self.init(
                    "same-patient",
                    "\(examples.map { names[$0].image }.joined(separator: ", ")) seem to show one patient, by their names",
                    "they are held out together; if that is wrong, name the patients under task.patients")
            case .onePatient(let name):
                self.init(
                    "one-patient", "all images are called \(name)…, and may be of one patient",
                    "if they are, say so under task.patients: their scores would be too good; if not, name the patients there",
                    field: "task.patients")
            case .missingSpacing:
                self.init(
                    "missing-spacing", "no spacing is known, so distances come in pixels only",
                    "give task.spacing_mm, the millimetres a pixel")
            case .polarity(let isDarker):
                self.init(
                    "polarity",
                    "the object is \(isDarker ? "darker" : "brighter") than its surroundings here, "
                        + "and \(isDarker ? "brighter" : "darker") in most other examples",
                    "check whether the image or its mask is inverted, or the image of another sequence or stain")
            case .orientation:
                self.init(
                    "orientation", "turned or mirrored, the image would look more like the others",
                    "check that it is exported in the same orientation")
            case .severalValues(let values):
                self.init(
                    "several-values",
                    "the masks have the values \(values.map(String.init).joined(separator: ", ")), and "
                        + (labels.labels.isEmpty ? "without task.labels" : "to a task of the one label 1")
                        + " all of them are one object",
                    "if they are labels, name them: \"labels\": {\(values.prefix(3).map { "\"\($0)\": \"…\"" }.joined(separator: ", "))}",
                    isAboutMask: true, field: "task.labels")
            case .rareValue(let value, let count):
                self.init(
                    "rare-value", "the mask value \(value) occurs in \(count) example\(count == 1 ? "" : "s") only",
                    "add examples that show it: with one nothing can be learnt and measured")
            case .absentLabel(let label):
                self.init(
                    "absent-label", "no mask shows the label \(labels.words(label))",
                    "leave it out of task.labels, or send an example that shows it", field: "task.labels")
            case .rareLabel(let label, let count):
                self.init(
                    "rare-label",
                    "the label \(labels.words(label)) is in \(count) example\(count == 1 ? "" : "s") only",
                    "add examples that show it: held out, the one leaves nothing to learn it from", field: "task.labels"
                )
            case .partialLabel(let label, let count, let all):
                self.init(
                    "partial-label",
                    "the label \(labels.words(label)) is in \(count) of \(all) examples; in the others it counts as not being there",
                    "leave out examples that do have it and on which nobody drew it", field: "task.labels")
            case .tooSmall(let area, let width, let label):
                self.init(
                    "too-small",
                    "\(label.map { "the label \(labels.words($0))" } ?? "the object") covers \(Self.decimal(area)) cells of the model's mask and is about \(Self.decimal(width)) wide: "
                        + "where images are seen whole, details below one cell are lost",
                    labels.count == 1
                        ? "let images be cut into tiles (adaptation.tiles), crop them around the object, or use a model with a larger input"
                        : "crop the images around the object, or make a task of it alone, whose images can be cut into tiles",
                    isAboutMask: true)
            case .fewExamples(let count):
                self.init(
                    "few-examples",
                    "\(count) example\(count == 1 ? " leaves nothing to hold out: nobody will know how well the adapter does" : "s give rough scores")",
                    "send at least four, better eight, of different patients")
            }
        }

        private init(
            _ code: String, _ message: String, _ hint: String, isAboutMask: Bool = false, field: String? = nil
        ) {
            (self.code, self.message, self.hint, self.isAboutMask) = (code, message, hint, isAboutMask)
            self.field = field
        }

        private static func percent(_ share: Double) -> String { "\(JSON.rounded(share * 100, places: 1).text()) %" }
        private static func decimal(_ value: Double) -> String { JSON.rounded(value, places: 2).text() }
    }
}
