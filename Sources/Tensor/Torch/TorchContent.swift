/// What the pickle of a `torch.save` file says: the tensors of its state dict, and texts beside it.
struct TorchContent {
    /// In the order of the file; names may repeat.
    let tensors: [(name: String, view: TorchView)]
    let storages: [TorchStorage]
    let texts: [String: String]

    /// Keys under which training scripts keep the state dict, with optimizer and epoch beside it.
    private static let wrappers = ["model", "state_dict", "model_state_dict"]

    init(_ pickle: UnsafeRawBufferPointer) throws(TorchFileError) {
        let loaded: (root: PickleValue, heap: PickleHeap)
        do {
            loaded = try Unpickler.load(pickle)
        } catch {
            throw .pickle(entry: "data.pkl", error)
        }
        let heap = loaded.heap
        guard case .dictionary(var dictionary) = loaded.root else { throw .noTensors(found: loaded.root.kind) }
        var texts: [String: String] = [:]
        // Wrappers in wrappers are followed a few steps: a dict may hold itself.
        for _ in 0..<4 {
            var tensors: [(name: String, view: TorchView)] = []
            for case (.text(let key), let value) in heap.dictionaries[dictionary] {
                if case .tensor(let index) = value { tensors.append((key, heap.tensors[index])) }
                if case .text(let text) = value, texts[key] == nil { texts[key] = text }
            }
            if let inner = Self.wrapped(heap.dictionaries[dictionary]) {
                dictionary = inner
            } else if tensors.isEmpty {
                break
            } else {
                self.tensors = tensors
                storages = heap.storages
                self.texts = texts
                return
            }
        }
        throw .noTensors(found: Self.summary(heap.dictionaries[dictionary]))
    }

    private static func wrapped(_ items: [(key: PickleValue, value: PickleValue)]) -> Int? {
        for wrapper in wrappers {
            for case (.text(wrapper), .dictionary(let inner)) in items { return inner }
        }
        return nil
    }

    /// The first keys, for the message.
    private static func summary(_ items: [(key: PickleValue, value: PickleValue)]) -> String {
        let keys = items.prefix(8).map { key, _ in if case .text(let text) = key { text } else { key.kind } }
        return keys.isEmpty ? "an empty dict" : "a dict with the keys \(keys.joined(separator: ", "))"
    }
}
