package import Adaptation
import SegmentAnything
import Storage

/// The part `task` of `POST /v1/tasks`: `{"name", "labels", "spacing_mm", "model", "adapter": {…}, "adaptation": {…},
/// "patients": {…}}`.
package struct TaskRequest: Sendable, Equatable {
    package let name: String
    /// What the masks outline, for people; nil: not said.
    package let label: String?
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
        label = try Self.label(fields)
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
            guard let patient = member.value.stringValue, patient.count <= 200 else {
                throw Problem.invalid(
                    "\(path).\(member.name.prefix(80))", "a patient is a text of at most 200 characters", hint: hint)
            }
            patients[member.name] = patient
        }
        return patients
    }

    private static func label(_ fields: Fields) throws(Problem) -> String? {
        guard let labels = try fields.array("labels", maximumCount: 64), let first = labels.first else { return nil }
        let path = fields.path(of: "labels")
        guard labels.count == 1 else {
            throw Problem.invalid(
                path, "\(labels.count) labels were given; masks are binary, so a task has one",
                hint: "make one task for each label")
        }
        guard let text = first.stringValue, text.count <= 200 else {
            throw Problem.invalid(
                "\(path)[0]", "a label is a text of at most 200 characters", hint: #"["left ventricle"]"#)
        }
        return text
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
            throw Problem.invalid(path, "\(path) must be two numbers, found \(Quoted(value.text()))", hint: hint)
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
