import Cryptography
package import SegmentAnything
import Tensor

/// A finished adapter: what it changes in its base model, and its card.
///
/// Its file is safetensors with 32-bit floats under the names of `AdapterLayout`, the card in the metadata under
/// `gmiseg.adapter`. The bytes depend on nothing but tensors and card, so `sha256` names the adapter wherever it lies.
package struct Adapter: Sendable {
    package let card: Card
    /// SHA-256 of the file's bytes, in hexadecimal.
    package let sha256: String
    /// For `Predictor` and the parts of the model, one for each label; constants, applied unmerged. They differ in the
    /// decoder's tokens alone.
    package let adjustments: [Adjustment]
    let layout: AdapterLayout
    /// One per entry of `layout`.
    let tensors: [Tensor]

    private static let cardKey = "gmiseg.adapter"
    /// Bytes of a card. One of 512 examples has some 40 000.
    private static let cardLimit = 1 << 20

    /// - Parameter tensors: One per entry of `layout`.
    init(card: Card, layout: AdapterLayout, tensors: [Tensor]) throws {
        self.init(
            card: card, layout: layout, tensors: tensors, sha256: SHA256.hex(try Self.encode(card, layout, tensors)))
    }

    private init(card: Card, layout: AdapterLayout, tensors: [Tensor], sha256: String) {
        self.card = card
        self.layout = layout
        self.tensors = tensors
        self.sha256 = sha256
        let values = tensors.map { Value($0) }
        adjustments = (0..<(card.labelCount ?? 1)).map {
            layout.adjustment(values, scale: card.alpha / Float(card.rank), label: $0)
        }
    }

    /// That of the first label, and what all have in common where only the encoder is asked.
    package var adjustment: Adjustment { adjustments[0] }

    /// The same adapter with notes on its card, which are part of what `sha256` names.
    package func noted(_ notes: Card.Notes) throws -> Adapter {
        var card = self.card
        card.notes = notes
        return try Adapter(card: card, layout: layout, tensors: tensors)
    }

    /// The base model that an adapter file says it was made for, before anything else of it is looked at.
    package static func base(path: String) throws(AdapterError) -> (name: String, sha256: String) {
        let file = try openSafetensors(path)
        guard let card = CanonicalJSON.decode(Card.self, from: try cardText(file)) else {
            throw .notAnAdapter(reason: "its metadata has no card under \(cardKey) that can be read")
        }
        return (card.baseModel, card.baseSHA256)
    }

    /// Bytes of its tensors in memory.
    package var byteCount: Int { tensors.reduce(0) { $0 + 4 * $1.count } }

    /// The file's bytes, which have `sha256`.
    package func encoded() throws -> [UInt8] { try Self.encode(card, layout, tensors) }

    private static func encode(_ card: Card, _ layout: AdapterLayout, _ tensors: [Tensor]) throws -> [UInt8] {
        try Safetensors.encode(named(layout, tensors), metadata: metadata(card), as: .float32)
    }

    /// Writes the file, whose bytes have `sha256`; it appears whole or not at all.
    package func write(to path: String) throws {
        try Safetensors.write(
            Self.named(layout, tensors), metadata: Self.metadata(card), to: path, as: .float32)
    }

    /// Reads an adapter for `model`.
    ///
    /// - Throws: `AdapterError` for a file that is damaged, is no adapter, was made for another base model, lacks a
    ///   tensor, has one too many or of another shape, or holds a number that is not finite.
    package static func load(path: String, for model: SegmentAnythingModel) throws -> Adapter {
        let file = try openSafetensors(path)
        let text = try cardText(file)
        // The version is looked at by itself, so that a later format is called by its name and not "malformed".
        if let version = CanonicalJSON.decode(Card.Version.self, from: text)?.formatVersion,
            version != Card.currentVersion
        {
            throw AdapterError.unsupportedVersion(found: version, supported: Card.currentVersion)
        }
        guard let card = CanonicalJSON.decode(Card.self, from: text) else {
            throw AdapterError.notAnAdapter(reason: "the card under \(cardKey) is malformed")
        }
        guard card.baseSHA256 == model.sha256 else {
            throw AdapterError.wrongBase(loaded: model.sha256, adapters: card.baseSHA256)
        }
        // What the card says decides how much is built below, so it must be as sane as a request.
        do {
            let settings = AdaptationSettings(
                kind: card.kind, rank: card.rank, alpha: card.alpha, lastBlocks: card.lastBlocks,
                tileSide: card.tileSide)
            try settings.validate(for: model.configuration)
        } catch {
            throw AdapterError.notAnAdapter(reason: "on its card \(error)")
        }
        guard card.supportCount >= 0, card.steps >= 0 else {
            throw AdapterError.notAnAdapter(reason: "its card counts support_count or steps below 0")
        }
        guard card.continued?.isSound != false else {
            throw AdapterError.notAnAdapter(
                reason: "on its card \"continued\" has no SHA-256, or counts support_count or steps below 0")
        }
        guard let labelCount = card.labelCount else {
            throw AdapterError.notAnAdapter(reason: "on its card labels and label_values do not fit together")
        }
        guard labelCount == 1 || card.tileSide == nil else {
            throw AdapterError.notAnAdapter(reason: "its card has tiles and several labels")
        }
        let layout = AdapterLayout(
            kind: card.kind, rank: card.rank, lastBlocks: card.lastBlocks, labelCount: labelCount, model: model)
        let tensors = try tensors(of: file, path: path, layout)
        return Adapter(
            card: card, layout: layout, tensors: tensors, sha256: file.withUnsafeBytes { SHA256.hex($0) })
    }

    private static func cardText(_ file: SafetensorsFile) throws(AdapterError) -> String {
        guard let text = file.metadata[cardKey] else { throw .notAnAdapter(reason: "its metadata has no \(cardKey)") }
        guard text.utf8.count <= cardLimit else {
            throw .notAnAdapter(reason: "the card under \(cardKey) has more than \(cardLimit) bytes")
        }
        return text
    }

    private static func tensors(of file: SafetensorsFile, path: String, _ layout: AdapterLayout) throws -> [Tensor] {
        let known = Set(layout.entries.map(\.name))
        if let stranger = file.names.first(where: { !known.contains($0) }) {
            throw AdapterError.unexpectedTensor(stranger)
        }
        let found = try readTensors(file, path: path)
        return try layout.entries.map { entry in
            guard let tensor = found[entry.name] else { throw AdapterError.missingTensor(entry.name) }
            guard tensor.shape == entry.shape else {
                throw AdapterError.wrongShape(tensor: entry.name, expected: entry.shape, found: tensor.shape)
            }
            guard tensor.isFinite else { throw AdapterError.nonFinite(tensor: entry.name) }
            return tensor
        }
    }

    private static func named(_ layout: AdapterLayout, _ tensors: [Tensor]) -> [(name: String, tensor: Tensor)] {
        zip(layout.entries, tensors).map { (name: $0.name, tensor: $1) }.sorted { $0.name < $1.name }
    }

    private static func metadata(_ card: Card) -> [String: String] {
        ["format": "pt", cardKey: CanonicalJSON.encode(card)]
    }
}
