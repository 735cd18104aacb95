package import Adaptation
import SegmentAnything
import Storage

/// The part `task` of `POST /v1/tasks`: `{"name", "labels", "spacing_mm", "model", "adapter": {…}, "adaptation": {…},
/// "patients": {…}}`.
package struct TaskRequest: Sendable, Equatable {
    package let name: String
    /// What the masks outline; nil: not said, and any pixel but 0 is the object.
    package let labels: TaskLabels?
    package let spacing: SpacingRequest?
    /// Nil: the server's default.
    package let model: String?
    package let recipe: Recipe
    /// Whom each image shows, by its file stem: images of one patient are held out together.
    package let patients: [String: String]

    private static let known = ["name", "labels", "spacing_mm", "model", "adapter", "adaptation", "patients"]

    package init(_ json: JSON, path: String) throws(Problem) {
        let fields = try Fields(json, path: path, known: Self.known)
        let hint = #"give the task a name: {"name": "left ventricle, short axis"}"#
        name = try fields.require("name", try fields.string("name", maximumLength: 200), hint: hint)
        guard name.contains(where: { !$0.isWhitespace }) else {
            throw Problem.invalid(fields.path(of: "name"), "the name is empty", hint: hint)
        }
        labels = try Self.labels(fields)
        spacing = try SpacingRequest(fields, "spacing_mm")
        model = try fields.string("model", maximumLength: 200)
        patients = try Self.patients(fields)
        recipe = try Recipe(
            adapter: fields.value("adapter"), adapterPath: fields.path(of: "adapter"),
            adaptation: fields.value("adaptation"), adaptationPath: fields.path(of: "adaptation"))
    }

    static func patients(_ fields: Fields) throws(Problem) -> [String: String] {
        guard let value = fields.value("patients") else { return [:] }
        let path = fields.path(of: "patients")
        let hint = #"name the patient of each image by its file stem: {"scan01": "a", "scan02": "a", "scan03": "b"}"#
        guard let members = value.members, members.count <= 512 else {
            throw Problem.invalid(path, "\(path) must be an object of at most 512 members", hint: hint)
        }
        var patients: [String: String] = [:]
        for member in members {
            // A blank is what scripts write for nobody knows whom: it would make one patient of all of them.
            guard let patient = member.value.stringValue?.trimmingWhitespace, !patient.isEmpty,
                patient.unicodeScalars.count <= 200, !patient.unicodeScalars.contains("\0")
            else {
                throw Problem.invalid(
                    "\(path).\(member.name.prefix(80))",
                    "a patient is a text of 1 to 200 characters, none of them U+0000",
                    hint: "\(hint); leave images out whose patient is not known")
            }
            patients[member.name] = patient
        }
        return patients
    }

    private static let labelHint =
        #"name what each value of the masks shows: {"1": "left ventricle", "2": "myocardium"}, or ["left ventricle", "#
        + #""myocardium"] for 1, 2, …; for black and white masks one name, ["left ventricle"]"#

    /// An array of names, numbered from 1, or an object of names by their numbers.
    private static func labels(_ fields: Fields) throws(Problem) -> TaskLabels? {
        guard let json = fields.value("labels") else { return nil }
        let path = fields.path(of: "labels")
        guard let entries = entries(json) else {
            throw Problem.invalid(
                path, "\(path) must be an array or an object, found \(json.kindName)", hint: labelHint)
        }
        guard entries.count <= LabelImage.labelLimit else {
            throw Problem(
                .tooLarge, "\(path) has \(entries.count) labels", field: path,
                hint: "give at most \(LabelImage.labelLimit): label maps have 8 bits a pixel")
        }
        var labels: [Label] = []
        for entry in entries {
            let place = path + entry.place
            guard let value = entry.value, (1...255).contains(value) else {
                throw Problem.invalid(
                    place, "\(Quoted(String(entry.place.dropFirst().prefix(80)))) is no number from 1 to 255",
                    hint: labelHint)
            }
            guard let name = entry.name.stringValue, name.unicodeScalars.count <= 200 else {
                throw Problem.invalid(place, "a label is a text of at most 200 characters", hint: labelHint)
            }
            guard entries.count == 1 || name.contains(where: { !$0.isWhitespace }) else {
                throw Problem.invalid(place, "the label \(value) has no name", hint: labelHint)
            }
            if let other = labels.first(where: { $0.name == name || $0.value == value }) {
                throw Problem.invalid(
                    place,
                    other.name == name
                        ? "the labels \(other.value) and \(value) are both called \(Quoted(name))"
                        : "the number \(value) stands for both \(Quoted(other.name)) and \(Quoted(name))",
                    hint: "give every label a number and a name of its own")
            }
            labels.append(Label(value: value, name: name))
        }
        return labels.isEmpty ? nil : TaskLabels(labels.sorted { $0.value < $1.value })
    }

    /// The member `labels` of a receipt, `[{"value", "name"}]`.
    static func recordedLabels(_ fields: Fields) throws(Problem) -> TaskLabels? {
        guard let entries = try fields.array("labels", maximumCount: LabelImage.labelLimit) else { return nil }
        let members = entries.map { JSON.Member($0["value"]?.text() ?? "", $0["name"] ?? .null) }
        return try labels(
            Fields(.object([.init("labels", .object(members))]), path: fields.path, known: ["labels"]))
    }

    /// Each with its place below the field; nil when `json` is neither array nor object.
    private static func entries(_ json: JSON) -> [(place: String, value: Int?, name: JSON)]? {
        if let names = json.elements { return names.enumerated().map { ("[\($0)]", $0 + 1, $1) } }
        return json.members?.map { (".\($0.name.prefix(80))", Int($0.name), $0.value) }
    }
}

/// Millimetres a pixel: `[x, y]`, or one number for square pixels.
package struct SpacingRequest: Sendable, Equatable {
    package let x: Double
    package let y: Double

    // Electron microscopes are finer, and telescopes coarser, but neither is what this service segments.
    private static let range = 1e-6...1e3

    init?(_ fields: Fields, _ name: String) throws(Problem) {
        guard let value = fields.value(name) else { return nil }
        let numbers = (value.elements ?? [value]).compactMap(\.doubleValue)
        let path = fields.path(of: name)
        let hint = "give millimetres a pixel, [x, y] or one number, such as [1.4, 1.4]"
        guard value.elements.map({ $0.count == 2 }) ?? true, let x = numbers.first, let y = numbers.last,
            numbers.count == (value.elements?.count ?? 1)
        else {
            throw Problem.invalid(path, "\(path) must be two numbers, found \(value.brief)", hint: hint)
        }
        guard Self.range.contains(x), Self.range.contains(y) else {
            throw Problem.invalid(
                path, "\(path) is [\(x), \(y)]", hint: "\(hint); from \(Self.range.lowerBound) to 1000")
        }
        self.x = x
        self.y = y
    }

    init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }

    package var json: JSON { [.number(x), .number(y)] }
}
