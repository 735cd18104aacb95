import Basics
import Cryptography
import FoundationEssentials
import SegmentAnything
import Tensor

/// The state of a run between two steps, as a safetensors file: a killed job continues from it, bit for bit.
///
/// Tensors `parameter/NAME`, `first/NAME` and `second/NAME` hold each adapter tensor and its AdamW moments, `losses` the
/// loss of each step done. There is no generator state: all randomness is a function of seed and step (`StepPlan`).
package struct TrainerCheckpoint: Sendable {
    /// What a run must share with the checkpoint that it continues from.
    struct Identity: Sendable, Equatable {
        let base: String
        /// SHA-256 of the settings as canonical JSON.
        let settings: String
        /// SHA-256 of the support set.
        let support: String

        init(base: String, settings: String, support: String) {
            self.base = base
            self.settings = settings
            self.support = support
        }

        init(model: SegmentAnythingModel, settings: AdaptationSettings, support: String) {
            base = model.sha256
            // The room for encodings changes speed only, never the result: a machine with other memory may continue.
            var decisive = settings
            decisive.cacheBytes = 0
            self.settings = SHA256.hex(Array(CanonicalJSON.encode(decisive).utf8))
            self.support = support
        }
    }

    /// Steps done.
    package let step: Int
    private let identity: Identity
    private let tensors: [String: Tensor]

    private static let format = "gmiseg.checkpoint"
    private static let version = "1"
    private static let losses = "losses"
    private static let (parameter, first, second) = ("parameter/", "first/", "second/")

    init(_ state: TrainerState, identity: Identity, layout: AdapterLayout) {
        step = state.step
        self.identity = identity
        var tensors = [Self.losses: Tensor(shape: [state.losses.count], state.losses)]
        for (index, entry) in layout.entries.enumerated() {
            tensors[Self.parameter + entry.name] = state.tensors[index]
            tensors[Self.first + entry.name] = state.optimizer.moments[index].first
            tensors[Self.second + entry.name] = state.optimizer.moments[index].second
        }
        self.tensors = tensors
    }

    /// Reads a checkpoint.
    ///
    /// - Throws: `AdapterError.unreadable` or `.notACheckpoint`. Whether it fits a run is checked when the run resumes.
    package init(path: String) throws {
        let file = try openSafetensors(path)
        try self.init(file.metadata, try readTensors(file, path: path))
    }

    /// Whether a file holds one, perhaps beside other things.
    static func isIn(_ file: SafetensorsFile) -> Bool { file.metadata[format] != nil }

    /// - Parameter tensors: Of the file; those of others are left aside.
    init(_ metadata: [String: String], _ tensors: [String: Tensor]) throws(AdapterError) {
        guard metadata[Self.format] == Self.version, let step = metadata["step"].flatMap({ Int($0) }),
            step >= 0, let base = metadata["base"], let settings = metadata["settings"],
            let support = metadata["support"]
        else { throw AdapterError.notACheckpoint(reason: "its metadata lacks the fields of a checkpoint") }
        self.step = step
        identity = Identity(base: base, settings: settings, support: support)
        self.tensors = tensors.filter { name, _ in
            name == Self.losses || [Self.parameter, Self.first, Self.second].contains { name.hasPrefix($0) }
        }
    }

    /// Writes the file; it appears whole or not at all.
    package func write(to path: String) throws {
        try Safetensors.write(named, metadata: metadata, to: path, as: .float32)
    }

    var metadata: [String: String] {
        [
            Self.format: Self.version, "step": String(step), "base": identity.base, "settings": identity.settings,
            "support": identity.support,
        ]
    }

    var named: [(name: String, tensor: Tensor)] {
        tensors.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) }
    }

    /// Whether it was made by a run of that identity.
    func belongs(to identity: Identity) -> Bool { identity == self.identity }

    /// The state to go on from.
    ///
    /// - Throws: `AdaptationError.checkpointMismatch` when it was made by another run.
    func state(for identity: Identity, layout: AdapterLayout, settings: AdaptationSettings)
        throws(AdaptationError) -> TrainerState
    {
        try Self.require("base model", identity.base, self.identity.base)
        try Self.require("settings", identity.settings, self.identity.settings)
        try Self.require("support set", identity.support, self.identity.support)
        guard step <= settings.steps else {
            throw .checkpointMismatch(field: "step", expected: "at most \(settings.steps)", found: "\(step)")
        }
        var parameters: [Tensor] = []
        var moments: [AdamWMoments] = []
        for entry in layout.entries {
            parameters.append(try tensor(Self.parameter + entry.name, entry.shape))
            var pair = AdamWMoments(like: Tensor(zeros: entry.shape))
            pair.first = try tensor(Self.first + entry.name, entry.shape)
            pair.second = try tensor(Self.second + entry.name, entry.shape)
            pair.step = step
            moments.append(pair)
        }
        let losses = try tensor(Self.losses, [step]).elements
        return TrainerState(
            step: step, tensors: parameters,
            optimizer: Optimizer(layout: layout, settings: settings, moments: moments), losses: losses)
    }

    private func tensor(_ name: String, _ shape: [Int]) throws(AdaptationError) -> Tensor {
        guard let tensor = tensors[name] else {
            throw .checkpointMismatch(field: name, expected: "shape \(shape)", found: "nothing")
        }
        guard tensor.shape == shape else {
            throw .checkpointMismatch(field: name, expected: "shape \(shape)", found: "shape \(tensor.shape)")
        }
        guard tensor.isFinite else {
            throw .checkpointMismatch(field: name, expected: "finite numbers", found: "NaN or infinity")
        }
        return tensor
    }

    private static func require(_ field: String, _ expected: String, _ found: String) throws(AdaptationError) {
        guard expected == found else {
            throw .checkpointMismatch(field: field, expected: expected, found: found)
        }
    }
}
