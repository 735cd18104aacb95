/// Carries out a pickle that knows only tensors: it builds values and calls nothing.
///
/// Each instruction costs a bounded amount of memory, and texts are copied once, so all of it together is bounded by the
/// pickle's own size whatever the pickle says: the memo is a table by number, and containers are shared, not copied.
struct Unpickler {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var stack: [PickleValue] = []
    /// Heights of the stack at each open MARK.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private(set) var heap = PickleHeap()
    /// The instruction being carried out, for messages.
    private var opcode = PickleOpcode.stop
    private var start = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The value that the pickle at `bytes` describes, and the containers that it refers to.
    static func load(_ bytes: UnsafeRawBufferPointer) throws(PickleError) -> (root: PickleValue, heap: PickleHeap) {
        var unpickler = Unpickler(bytes)
        let root = try unpickler.run()
        return (root, unpickler.heap)
    }

    private mutating func run() throws(PickleError) -> PickleValue {
        while true {
            start = position
            let byte = try readByte()
            guard let known = PickleOpcode(rawValue: byte) else {
                throw .opcode(PickleOpcode.name(byte), offset: start)
            }
            opcode = known
            if known == .stop { return try pop() }
            try carryOut()
        }
    }

    private mutating func carryOut() throws(PickleError) {
        switch opcode {
        case .version:
            let version = Int(try readByte())
            guard (2...5).contains(version) else { throw .protocolVersion(version, offset: start) }
        // Frames only group what is read ahead.
        case .frame: _ = try readCount(8)
        case .mark: marks.append(stack.count)
        case .none: stack.append(.none)
        case .newTrue: stack.append(.boolean(true))
        case .newFalse: stack.append(.boolean(false))
        case .binInteger: stack.append(.integer(Int(Int32(truncatingIfNeeded: try readCount(4)))))
        case .binInteger1: stack.append(.integer(try readCount(1)))
        case .binInteger2: stack.append(.integer(try readCount(2)))
        case .long1: stack.append(.integer(try readLong()))
        case .binFloat: stack.append(.real(try readReal()))
        case .shortBinUnicode: stack.append(.text(try readText(try readCount(1))))
        case .binUnicode: stack.append(.text(try readText(try readCount(4))))
        case .binUnicode8: stack.append(.text(try readText(try readCount(8))))
        case .emptyTuple: stack.append(heap.makeTuple([]))
        case .tuple1: try makeTuple(try need(1))
        case .tuple2: try makeTuple(try need(2))
        case .tuple3: try makeTuple(try need(3))
        case .tuple: try makeTuple(try popMark())
        case .emptyList: stack.append(.list)
        case .emptyDictionary: makeDictionary()
        case .append: try append(from: try need(1))
        case .appends: try append(from: try popMark())
        case .setItem: try setItems(from: try need(2))
        case .setItems: try setItems(from: try popMark())
        case .binPut: memo[try readCount(1)] = try top()
        case .longBinPut: memo[try readCount(4)] = try top()
        case .memoize: memo[memo.count] = try top()
        case .binGet: try recall(try readCount(1))
        case .longBinGet: try recall(try readCount(4))
        case .global: try pushGlobal(module: try readLine(), name: try readLine())
        case .stackGlobal:
            guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
                throw unexpected("something else", "two names")
            }
            try pushGlobal(module: module, name: name)
        case .binPersistentID: try pushStorage(try pop())
        case .reduce: try reduce()
        case .build: try build()
        case .stop: preconditionFailure("STOP ends the loop")
        }
    }
}

// MARK: Containers

extension Unpickler {
    /// The last `count` values become one tuple.
    private mutating func makeTuple(_ first: Int) throws(PickleError) {
        let tuple = heap.makeTuple(stack[first...])
        stack.removeSubrange(first...)
        stack.append(tuple)
    }

    private mutating func makeDictionary() {
        heap.dictionaries.append([])
        stack.append(.dictionary(heap.dictionaries.count - 1))
    }

    /// What is in a list says nothing about tensors: it goes.
    private mutating func append(from first: Int) throws(PickleError) {
        guard first > lowest else { throw .emptyStack(opcode: PickleOpcode.name(opcode.rawValue), offset: start) }
        guard case .list = stack[first - 1] else { throw unexpected(stack[first - 1].kind, "a list") }
        stack.removeSubrange(first...)
    }

    private mutating func setItems(from first: Int) throws(PickleError) {
        guard first > lowest else { throw .emptyStack(opcode: PickleOpcode.name(opcode.rawValue), offset: start) }
        guard case .dictionary(let dictionary) = stack[first - 1] else {
            throw unexpected(stack[first - 1].kind, "a dict")
        }
        guard (stack.count - first).isMultiple(of: 2) else { throw unexpected("a key without a value", "pairs") }
        for index in stride(from: first, to: stack.count, by: 2) {
            heap.dictionaries[dictionary].append((stack[index], stack[index + 1]))
        }
        stack.removeSubrange(first...)
    }

    /// An OrderedDict's attributes, such as the `_metadata` of a state dict, say nothing about its tensors.
    private mutating func build() throws(PickleError) {
        let state = try pop()
        guard case .dictionary = state else { throw unexpected(state.kind, "a dict") }
        guard case .dictionary = try top() else { throw unexpected(try top().kind, "an OrderedDict") }
    }
}

// MARK: What names may do

extension Unpickler {
    private mutating func pushGlobal(module: String, name: String) throws(PickleError) {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw .global("\(module).\(name)", offset: start)
        }
        stack.append(.global(global))
    }

    /// `('storage', type, key, device, count)` (`torch/serialization.py`, `persistent_id`).
    private mutating func pushStorage(_ identity: PickleValue) throws(PickleError) {
        guard case .tuple(let tuple) = identity, case let items = Array(heap.items(ofTuple: tuple)), items.count == 5,
            case .text("storage") = items[0], case .global(.storage(let type)) = items[1],
            case .text(let key) = items[2],
            case .integer(let count) = items[4], count >= 0
        else { throw unexpected(identity.kind, "('storage', type, key, device, count)") }
        heap.storages.append(TorchStorage(type: type, key: key, count: count))
        stack.append(.storage(heap.storages.count - 1))
    }

    private mutating func reduce() throws(PickleError) {
        let arguments = try pop()
        let function = try pop()
        guard case .tuple(let tuple) = arguments else { throw unexpected(arguments.kind, "a tuple of arguments") }
        let items = Array(heap.items(ofTuple: tuple))
        switch function {
        case .global(.orderedDictionary):
            guard items.isEmpty else { throw unexpected("\(items.count) arguments", "none for OrderedDict") }
            makeDictionary()
        case .global(.rebuildTensor): try rebuildTensor(items)
        case .global(.rebuildParameter):
            guard items.count == 3, case .tensor = items[0] else {
                throw unexpected(
                    items.first?.kind ?? "nothing", "(tensor, requires_grad, hooks) for _rebuild_parameter")
            }
            stack.append(items[0])
        default: throw unexpected("a call of \(function.kind)", "a call that makes a tensor or an OrderedDict")
        }
    }

    /// `(storage, offset, size, stride, requires_grad, hooks)`, since PyTorch 1.8 optionally with metadata.
    private mutating func rebuildTensor(_ items: [PickleValue]) throws(PickleError) {
        let expected = "(storage, offset, size, stride, requires_grad, hooks) for _rebuild_tensor_v2"
        guard (6...7).contains(items.count), case .storage(let storage) = items[0],
            case .integer(let offset) = items[1],
            let shape = counts(items[2]), let strides = counts(items[3]), offset >= 0, shape.count == strides.count
        else { throw unexpected("other arguments", expected) }
        heap.tensors.append(TorchView(storage: storage, offset: offset, shape: shape, strides: strides))
        stack.append(.tensor(heap.tensors.count - 1))
    }

    /// A tuple of at most 64 integers from 0; nil for anything else.
    private func counts(_ value: PickleValue) -> [Int]? {
        guard case .tuple(let tuple) = value, case let items = heap.items(ofTuple: tuple), items.count <= 64 else {
            return nil
        }
        var counts: [Int] = []
        for item in items {
            guard case .integer(let count) = item, count >= 0 else { return nil }
            counts.append(count)
        }
        return counts
    }
}

// MARK: Stack and memo

extension Unpickler {
    /// Below the innermost MARK nothing may be taken.
    private var lowest: Int { marks.last ?? 0 }

    /// The index of the last `count` values.
    private func need(_ count: Int) throws(PickleError) -> Int {
        guard stack.count - lowest >= count else {
            throw .emptyStack(opcode: PickleOpcode.name(opcode.rawValue), offset: start)
        }
        return stack.count - count
    }

    private func top() throws(PickleError) -> PickleValue { stack[try need(1)] }

    private mutating func pop() throws(PickleError) -> PickleValue {
        _ = try need(1)
        return stack.removeLast()
    }

    /// The index of the first value above the innermost MARK, which is closed.
    private mutating func popMark() throws(PickleError) -> Int {
        guard let mark = marks.popLast() else {
            throw .emptyStack(opcode: PickleOpcode.name(opcode.rawValue), offset: start)
        }
        return mark
    }

    private mutating func recall(_ index: Int) throws(PickleError) {
        guard let value = memo[index] else { throw .memo(index: index, offset: start) }
        stack.append(value)
    }

    private func unexpected(_ found: String, _ expected: String) -> PickleError {
        .unexpected(found: found, expected: expected, offset: start)
    }
}

// MARK: Reading

extension Unpickler {
    private mutating func readByte() throws(PickleError) -> UInt8 {
        guard position < bytes.count else { throw .truncated(offset: start) }
        defer { position += 1 }
        return bytes[position]
    }

    /// The next `count` bytes.
    private mutating func read(_ count: Int) throws(PickleError) -> UnsafeRawBufferPointer {
        guard count <= bytes.count - position else { throw .truncated(offset: start) }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    /// An unsigned little-endian number of up to 8 bytes.
    private mutating func readCount(_ size: Int) throws(PickleError) -> Int {
        let value = try read(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let count = Int(exactly: value) else { throw .truncated(offset: start) }
        return count
    }

    /// A little-endian integer in two's complement with its length before it.
    private mutating func readLong() throws(PickleError) -> Int {
        let count = try readCount(1)
        guard count <= 8 else { throw .integer(bytes: count, offset: start) }
        let digits = try read(count)
        guard let last = digits.last else { return 0 }
        let value = digits.reversed().reduce(last >= 0x80 ? -1 : 0) { $0 << 8 | Int($1) }
        return value
    }

    /// Big-endian, unlike everything else.
    private mutating func readReal() throws(PickleError) -> Double {
        Double(bitPattern: try read(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    private mutating func readText(_ count: Int) throws(PickleError) -> String {
        guard let text = String(validating: try read(count), as: UTF8.self) else { throw .text(offset: start) }
        return text
    }

    /// Up to the next line feed.
    private mutating func readLine() throws(PickleError) -> String {
        let first = position
        while try readByte() != 0x0A {}
        let line = UnsafeRawBufferPointer(rebasing: bytes[first..<position - 1])
        guard let text = String(validating: line, as: UTF8.self) else { throw .text(offset: start) }
        return text
    }
}
