import Cryptography

/// A receipt as somebody kept it, read back strictly.
struct RecordedReceipt: Sendable {
    /// In its canonical form.
    let json: JSON
    let pixels: String
    let model: String
    let modelName: String?
    /// The task that was asked; nil: none.
    let task: String?
    /// Whether its support set decided how to do without a prompt.
    let isPromptless: Bool
    /// Nil: the base model answered.
    let adapter: String?
    let options: SegmentOptions
    /// What the masks may show.
    let labels: TaskLabels
    let masks: [String]
    /// The hash that stood beside the receipt, when a whole answer was sent.
    let sha256: String?
    /// That of the receipt as it was sent.
    let ownSHA256: String
    /// Whether the receipt is what the stated hash was taken of; true when no hash was sent.
    let isUnchanged: Bool

    private static let names = [
        "format", "pixels_sha256", "width", "height", "model", "task", "tier", "adapter_version", "adapter_sha256",
        "adaptation", "labels", "request", "promptless", "preprocessing", "build", "mask_sha256", "masks_sha256",
        "label_map_sha256",
    ]
    private static let noteLimit = 65_536
    private static let hint = "send the member \"receipt\" of an answer as it was, or the whole answer"

    /// - Parameter sent: A receipt, or the answer that holds it.
    init(_ sent: JSON, path: String) throws(Problem) {
        let receipt = sent["receipt"] ?? sent
        let stated = sent["receipt"] == nil ? nil : sent["receipt_sha256"]?.stringValue
        json = receipt.canonical
        sha256 = stated
        // Earlier builds hashed whole numbers with a fraction, as they still stand in what was saved as it came.
        ownSHA256 = SHA256.hex(json.encoded())
        isUnchanged = stated.map { [receipt.canonical, receipt].map { SHA256.hex($0.encoded()) }.contains($0) } ?? true
        let path = sent["receipt"] == nil ? path : "\(path).receipt"
        // Looked at before the names, so that a receipt of another version is called by its name.
        guard json["format"]?.integerValue == Receipt.format else {
            throw Problem.invalid(
                "\(path).format",
                json.members == nil
                    ? "the receipt is \(json.kindName)"
                    : "the receipt has the format \(json["format"]?.text() ?? "of an earlier version, without a number")",
                hint: "this server reads receipts of format \(Receipt.format); \(Self.hint)")
        }
        let fields = try Fields(json, path: path, known: Self.names)
        pixels = try Self.hash(fields, "pixels_sha256")
        let modelFields = try Fields(
            try fields.require("model", fields.value("model"), hint: Self.hint), path: fields.path(of: "model"),
            known: ["name", "sha256", "focused", "appearance"])
        model = try Self.hash(modelFields, "sha256")
        modelName = try modelFields.string("name", maximumLength: 200)
        let tier = try fields.require("tier", try fields.choice("tier", of: ["base", "adapted"]), hint: Self.hint)
        adapter = tier == "base" ? nil : try Self.hash(fields, "adapter_sha256")
        task = try fields.string("task", maximumLength: 100)
        isPromptless = fields.value("promptless") != nil
        // Shown where they differ, and never read: what is longer was not made here.
        for name in ["adaptation", "promptless", "preprocessing", "build"] {
            guard (fields.value(name)?.encoded().count ?? 0) <= Self.noteLimit else {
                throw Problem(
                    .tooLarge, "\(fields.path(of: name)) has more than \(Self.noteLimit) bytes",
                    field: fields.path(of: name), hint: Self.hint)
            }
        }
        let request = try fields.require("request", fields.value("request"), hint: Self.hint)
        options = try SegmentOptions(
            try Fields(request, path: fields.path(of: "request"), known: SegmentOptions.names))
        labels = try TaskRequest.recordedLabels(fields) ?? TaskLabels([])
        masks = try fields.require(
            "masks_sha256", try fields.array("masks_sha256", maximumCount: 1 << 16), hint: Self.hint
        ).map { $0.stringValue ?? "" }
    }

    private static func hash(_ fields: Fields, _ name: String) throws(Problem) -> String {
        let text = try fields.require(name, try fields.string(name, maximumLength: 64), hint: hint)
        guard text.utf8.count == 64 else {
            throw Problem.invalid(fields.path(of: name), "\(Quoted(text)) is no SHA-256", hint: hint)
        }
        return text
    }
}

/// Where a repeated answer's receipt differs from the one that was kept.
struct ReceiptDifference: Sendable, Equatable {
    /// The path within the receipt.
    let field: String
    let recorded: JSON
    let here: JSON

    var json: JSON { ["field": .string(field), "receipt": recorded, "here": here] }

    /// The leaves that differ, in the order of `here`; what only one side has is null on the other. Both in canonical form.
    static func all(recorded: JSON, here: JSON, path: String = "") -> [ReceiptDifference] {
        guard recorded != here else { return [] }
        guard case .object(let members) = here, case .object(let old) = recorded else {
            return [ReceiptDifference(field: path, recorded: recorded, here: here)]
        }
        let names = members.map(\.name) + old.map(\.name).filter { name in !members.contains { $0.name == name } }
        return names.flatMap { name in
            all(
                recorded: recorded[name] ?? .null, here: here[name] ?? .null,
                path: path.isEmpty ? name : "\(path).\(name)")
        }
    }
}
