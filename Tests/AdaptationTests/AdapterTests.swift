import Adaptation
import Foundation
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct AdapterTests {
    static let cardKey = "gmiseg.adapter"

    static func trained(_ kind: AdapterKind) throws -> Adapter {
        try Trainer(
            model: tinyModel, examples: discs(2), settings: quick(kind, steps: 2), taskName: "discs",
            labels: AdapterLabels(name: "disc")
        ).run().adapter
    }

    @Test(arguments: AdapterKind.allCases) func comesBackFromItsFile(_ kind: AdapterKind) throws {
        let adapter = try Self.trained(kind)
        let directory = try TemporaryDirectory()
        let path = directory.file("adapter.safetensors")
        try adapter.write(to: path)
        let loaded = try Adapter.load(path: path, for: tinyModel)
        #expect(loaded.card == adapter.card)
        #expect(loaded.sha256 == adapter.sha256)
        #expect(loaded.byteCount == adapter.byteCount && adapter.byteCount > 0)

        // And it does the same.
        let image = discs(1)[0].image
        let (one, other) = (
            Predictor(tinyModel, adjustment: adapter.adjustment), Predictor(tinyModel, adjustment: loaded.adjustment)
        )
        let first = try one.predict(one.embed(image), [.none])[0][0].lowResolutionLogits.elements
        #expect(try other.predict(other.embed(image), [.none])[0][0].lowResolutionLogits.elements == first)
        let base = Predictor(tinyModel)
        #expect(try base.predict(base.embed(image), [.none])[0][0].lowResolutionLogits.elements != first)

        // Written again, the bytes are the same.
        let again = directory.file("again.safetensors")
        try loaded.write(to: again)
        #expect(FileManager.default.contents(atPath: again) == FileManager.default.contents(atPath: path))
    }

    @Test func theCardTellsTheRecipe() throws {
        let card = try Self.trained(.loraDecoder).card
        #expect(card.formatVersion == 1 && card.kind == .loraDecoder && card.rank == 4 && card.alpha == 4)
        #expect(card.baseModel == tinyModel.name && card.baseSHA256 == tinyModel.sha256)
        #expect(card.task == "discs" && card.labels == ["disc"] && card.steps == 2 && card.supportCount == 2)
        #expect(card.finalLoss.isFinite && card.finalLoss > 0)
    }

    // MARK: Refusals

    struct Damage: NamedRow, CustomTestStringConvertible {
        typealias Contents = (tensors: [String: Tensor], card: String)
        let name: String
        let expected: AdapterError
        let apply: @Sendable (inout Contents) -> Void
        var testDescription: String { name }
    }

    static let down = "image_encoder.blocks.0.attn.qkv.lora_q.down"
    static let width = tinyModel.configuration.width

    /// Labels that the card must not name so.
    private static func names(_ name: String, _ labels: String, _ values: String) -> Damage {
        Damage(
            name: name, expected: .notAnAdapter(reason: "on its card labels and label_values do not fit together")
        ) {
            $0.card = $0.card.replacingOccurrences(
                of: #""labels":["disc"]"#, with: "\"labels\":\(labels),\"label_values\":\(values)")
        }
    }

    static let damages = [
        Damage(name: "made for another base", expected: .wrongBase(loaded: tinyModel.sha256, adapters: "0123")) {
            $0.card = $0.card.replacingOccurrences(of: tinyModel.sha256, with: "0123")
        },
        Damage(name: "a later version", expected: .unsupportedVersion(found: 2, supported: 1)) {
            $0.card = $0.card.replacingOccurrences(of: #""format_version":1"#, with: #""format_version":2"#)
        },
        Damage(name: "a later version with fields unknown", expected: .unsupportedVersion(found: 3, supported: 1)) {
            $0.card = #"{"format_version":3}"#
        },
        Damage(name: "no JSON", expected: .notAnAdapter(reason: "the card under gmiseg.adapter is malformed")) {
            $0.card = "card"
        },
        Damage(
            name: "an absurd rank",
            expected: .notAnAdapter(
                reason: "on its card adapter.rank must be a whole number from 1 to 64; found 4000000000")
        ) { $0.card = $0.card.replacingOccurrences(of: #""rank":4"#, with: #""rank":4000000000"#) },
        Damage(name: "an unknown kind", expected: .notAnAdapter(reason: "the card under gmiseg.adapter is malformed")) {
            $0.card = $0.card.replacingOccurrences(of: #""kind":"lora""#, with: #""kind":"magic""#)
        },
        Damage(
            name: "fewer examples than none",
            expected: .notAnAdapter(reason: "its card counts support_count or steps below 0")
        ) {
            $0.card.replace(#/"support_count":\d+/#, with: #""support_count":-1"#)
        },
        Damage(
            name: "continued from nothing",
            expected: .notAnAdapter(
                reason: "on its card \"continued\" has no SHA-256, or counts support_count or steps below 0")
        ) {
            $0.card.replace(
                #/"final_loss"/#,
                with: #""continued":{"sha256":"of mine","steps":1,"support_count":1},"final_loss""#)
        },
        Damage(
            name: "a card without end",
            expected: .notAnAdapter(reason: "the card under gmiseg.adapter has more than 1048576 bytes")
        ) { $0.card += String(repeating: " ", count: 1 << 20) },
        names("a name of blanks", #"[" "]"#, "[3]"),
        names("a name without end", "[\"\(String(repeating: "a", count: 201))\"]", "[3]"),
        names("two of one name", #"["a", "a"]"#, "[1, 2]"), names("more names than numbers", #"["a", "b"]"#, "[1]"),
        names("a number of no label", #"["a"]"#, "[256]"), names("numbers in disorder", #"["a", "b"]"#, "[2, 1]"),
        Damage(name: "a tensor is missing", expected: .missingTensor(down)) { $0.tensors[down] = nil },
        Damage(name: "a tensor too many", expected: .unexpectedTensor("zebra")) {
            $0.tensors["zebra"] = Tensor(zeros: [1])
        },
        Damage(name: "a wrong shape", expected: .wrongShape(tensor: down, expected: [4, width], found: [width, 4])) {
            $0.tensors[down] = Tensor(zeros: [width, 4])
        },
        Damage(name: "NaN", expected: .nonFinite(tensor: down)) {
            $0.tensors[down] = Tensor(filled: .nan, shape: [4, width])
        },
        Damage(name: "infinity", expected: .nonFinite(tensor: down)) {
            $0.tensors[down] = Tensor(filled: -.infinity, shape: [4, width])
        },
    ]

    @Test(arguments: damages) func refusesADamagedFile(_ damage: Damage) throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("adapter.safetensors")
        try Self.trained(.lora).write(to: path)
        let file = try SafetensorsFile(path: path)
        var contents: Damage.Contents = ([:], try #require(file.metadata[Self.cardKey]))
        for name in file.names { contents.tensors[name] = try file.tensor(name) }
        damage.apply(&contents)
        let damaged = directory.file("damaged.safetensors")
        try Safetensors.write(
            contents.tensors.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) },
            metadata: ["format": "pt", Self.cardKey: contents.card], to: damaged, as: .float32)
        #expect(throws: damage.expected) { try Adapter.load(path: damaged, for: tinyModel) }
    }

    @Test func refusesAnotherModel() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("adapter.safetensors")
        try Self.trained(.decoder).write(to: path)
        let other = SegmentAnythingModel(configuration: .tiny, randomSeed: 4)
        #expect(throws: AdapterError.wrongBase(loaded: other.sha256, adapters: tinyModel.sha256)) {
            try Adapter.load(path: path, for: other)
        }
    }

    @Test func refusesAFileCutAnywhere() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("adapter.safetensors")
        try Self.trained(.lora).write(to: path)
        let bytes = try #require(FileManager.default.contents(atPath: path))
        let cut = directory.file("cut.safetensors")
        for count in [0, 1, 7, 8, 9, 100, bytes.count / 2, bytes.count - 1] {
            try bytes.prefix(count).write(to: URL(filePath: cut))
            let error = #expect(throws: AdapterError.self) { try Adapter.load(path: cut, for: tinyModel) }
            guard case .unreadable = error else {
                Issue.record("\(count) bytes: \(String(describing: error))")
                continue
            }
        }
    }

    @Test func refusesWhatIsNoAdapter() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("other.safetensors")
        try Safetensors.write([(name: "a", tensor: Tensor(zeros: [1]))], metadata: [:], to: path, as: .float32)
        #expect(throws: AdapterError.notAnAdapter(reason: "its metadata has no gmiseg.adapter")) {
            try Adapter.load(path: path, for: tinyModel)
        }
        #expect(throws: AdapterError.self) { try Adapter.load(path: directory.file("nowhere"), for: tinyModel) }
    }
}
