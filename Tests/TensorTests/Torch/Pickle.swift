/// Assembles pickles, instruction by instruction.
enum Pickle {
    static let start: [UInt8] = [0x80, 2]
    static let stop: [UInt8] = [0x2E]
    static let mark: [UInt8] = [0x28]

    static func text(_ text: String) -> [UInt8] {
        [0x58] + TorchArchive.number(text.utf8.count, 4) + Array(text.utf8)
    }

    /// As LONG1: any value.
    static func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + TorchArchive.number(value, 8) }

    static func global(_ module: String, _ name: String) -> [UInt8] { [0x63] + Array("\(module)\n\(name)\n".utf8) }

    static func tuple(_ items: [[UInt8]]) -> [UInt8] { mark + items.flatMap { $0 } + [0x74] }

    static func integers(_ values: [Int]) -> [UInt8] { tuple(values.map(integer)) }

    static func call(_ function: [UInt8], _ arguments: [[UInt8]]) -> [UInt8] { function + tuple(arguments) + [0x52] }

    static func dictionary(_ items: [([UInt8], [UInt8])]) -> [UInt8] {
        [0x7D] + mark + items.flatMap { $0.0 + $0.1 } + [0x75]
    }

    static func storage(_ type: String, key: String, count: Int) -> [UInt8] {
        tuple([text("storage"), global("torch", type), text(key), text("cpu"), integer(count)]) + [0x51]
    }

    static let orderedDictionary = call(global("collections", "OrderedDict"), [])

    struct View {
        var type = "FloatStorage"
        var key = "0"
        var count: Int
        var offset = 0
        var shape: [Int]
        var strides: [Int]
    }

    static func tensor(_ view: View) -> [UInt8] {
        call(
            global("torch._utils", "_rebuild_tensor_v2"),
            [
                storage(view.type, key: view.key, count: view.count), integer(view.offset), integers(view.shape),
                integers(view.strides), [0x89], orderedDictionary,
            ])
    }

    /// A whole pickle of a state dict.
    static func stateDict(_ tensors: [(String, View)]) -> [UInt8] {
        start + dictionary(tensors.map { (text($0.0), tensor($0.1)) }) + stop
    }
}
