/// What a pickle holds, as far as it is understood here.
///
/// Containers are numbers into a `PickleHeap`, never nested values: a pickle can nest deeper than any stack, and can put
/// a list into itself.
enum PickleValue: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case real(Double)
    case text(String)
    case tuple(Int)
    /// Of whatever: nothing that is understood here lies in one.
    case list
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)

    /// What it is, for messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .boolean: "a bool"
        case .integer: "an int"
        case .real: "a float"
        case .text: "a str"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dict"
        case .global(let global): global.description
        case .storage: "a storage"
        case .tensor: "a tensor"
        }
    }
}

/// The containers of one pickle.
struct PickleHeap: Sendable {
    /// Each a range of `tupleItems`: tuples never change.
    var tuples: [Range<Int>] = []
    var tupleItems: [PickleValue] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [TorchStorage] = []
    var tensors: [TorchView] = []

    func items(ofTuple tuple: Int) -> ArraySlice<PickleValue> { tupleItems[tuples[tuple]] }

    mutating func makeTuple(_ items: some Collection<PickleValue>) -> PickleValue {
        let start = tupleItems.count
        tupleItems.append(contentsOf: items)
        tuples.append(start..<tupleItems.count)
        return .tuple(tuples.count - 1)
    }
}

/// The only names that a pickle may call for.
enum PickleGlobal: Sendable, Equatable {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storage(ElementType)

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", _):
            guard let type = Self.storages[name] else { return nil }
            self = .storage(type)
        default: return nil
        }
    }

    private static let storages: [String: ElementType] = [
        "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16, "DoubleStorage": .float64,
        "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8,
        "ByteStorage": .uint8,
        "BoolStorage": .boolean,
    ]

    var description: String {
        switch self {
        case .orderedDictionary: "collections.OrderedDict"
        case .rebuildTensor: "torch._utils._rebuild_tensor_v2"
        case .rebuildParameter: "torch._utils._rebuild_parameter"
        case .storage(let type): "a storage type (\(type.rawValue))"
        }
    }
}

/// A run of elements that the archive keeps under `key`.
struct TorchStorage: Sendable, Equatable {
    let type: ElementType
    let key: String
    /// In elements.
    let count: Int
}

/// A tensor as a view of a storage. Nothing of it has been checked against the storage yet.
struct TorchView: Sendable, Equatable {
    /// Index of the storage in the heap.
    let storage: Int
    /// Offset and strides count elements.
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}
