import Basics
import Glibc

/// Floats in memory: a 64-byte aligned block of its own, or a slice of something else that `owner` keeps alive.
///
/// Written only while its creator alone holds it; from then on it is read by any thread.
final class Storage: @unchecked Sendable {
    // Invariant: the memory is written only before the first share, or by a sole holder (`isKnownUniquelyReferenced`).
    let base: UnsafeMutablePointer<Float>
    let count: Int
    private let owner: AnyObject?

    init(count: Int) {
        self.count = count
        base = BlockCache.shared.take(bytes: count * MemoryLayout<Float>.stride)
            .bindMemory(to: Float.self, capacity: max(count, 1))
        owner = nil
    }

    convenience init(zeroed count: Int) {
        self.init(count: count)
        base.update(repeating: 0, count: count)
    }

    /// Borrows `count` floats at `base`, which live and stay unchanged as long as `owner` does.
    init(borrowing base: UnsafePointer<Float>, count: Int, from owner: AnyObject) {
        self.base = UnsafeMutablePointer(mutating: base)
        self.count = count
        self.owner = owner
    }

    deinit {
        if owner == nil { BlockCache.shared.give(base, bytes: count * MemoryLayout<Float>.stride) }
    }

    /// Whether a sole holder may write here: borrowed memory may be a read-only mapping.
    var isOwned: Bool { owner == nil }
}

/// Large blocks kept for the next tensor of the same size.
///
/// A network asks for the same few sizes over and over, and memory fresh from the kernel is zeroed page by page: at
/// tens of megabytes a tensor that costs as much as the arithmetic of the cheap operations.
final class BlockCache: Sendable {
    static let shared = BlockCache(limit: 256 << 20)

    private struct State {
        var blocks: [Int: [UInt]] = [:]  // addresses, by byte count
        var bytes = 0
        var limit: Int
    }

    private static let alignment = 64
    private static let smallest = 64 << 10  // below, malloc's own lists do as well
    private static let hugePage = 2 << 20
    private let state: Lock<State>

    init(limit: Int) { state = Lock(State(limit: limit)) }

    /// Raises the limit, or lowers it again; nothing already kept is returned by that.
    func changeLimit(by bytes: Int) { state.withLock { $0.limit += bytes } }

    /// A block of at least `bytes` bytes, of unspecified content. Running out of memory traps.
    func take(bytes: Int) -> UnsafeMutableRawPointer {
        if bytes >= Self.smallest {
            let address = state.withLock { state -> UInt? in
                guard let address = state.blocks[bytes]?.popLast() else { return nil }
                state.bytes -= bytes
                return address
            }
            if let address, let block = UnsafeMutableRawPointer(bitPattern: address) { return block }
        }
        if bytes >= 2 * Self.hugePage { return Self.map(bytes: bytes) }
        var block: UnsafeMutableRawPointer?
        let code = posix_memalign(&block, Self.alignment, max(bytes, Self.alignment))
        guard code == 0, let block else { fatalError("out of memory: \(bytes) bytes for a tensor") }
        return block
    }

    /// Mappings of their own go back to the system whole, and in huge pages they cost a fault for two megabytes.
    private static func map(bytes: Int) -> UnsafeMutableRawPointer {
        let length = mappedLength(bytes)
        guard let block = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            block != MAP_FAILED
        else { fatalError("out of memory: \(bytes) bytes for a tensor") }
        // Advice: a kernel that does not follow it costs time, not correctness.
        madvise(block, length, MADV_HUGEPAGE)
        return block
    }

    private static func mappedLength(_ bytes: Int) -> Int { (bytes + hugePage - 1) / hugePage * hugePage }

    private static func release(_ block: UnsafeMutableRawPointer, bytes: Int) {
        if bytes >= 2 * hugePage { munmap(block, mappedLength(bytes)) } else { free(block) }
    }

    /// Takes back a block that `take` gave for the same `bytes`.
    func give(_ block: UnsafeMutableRawPointer, bytes: Int) {
        let address = UInt(bitPattern: block)
        let kept =
            bytes >= Self.smallest
            && state.withLock { state in
                guard state.bytes + bytes <= state.limit else { return false }
                state.blocks[bytes, default: []].append(address)
                state.bytes += bytes
                return true
            }
        if !kept { Self.release(block, bytes: bytes) }
    }

    /// Returns everything kept to the system.
    func clear() {
        let blocks = state.withLock { state in
            let blocks = state.blocks
            state.blocks = [:]
            state.bytes = 0
            return blocks
        }
        for (bytes, addresses) in blocks {
            for address in addresses {
                if let block = UnsafeMutableRawPointer(bitPattern: address) { Self.release(block, bytes: bytes) }
            }
        }
    }
}

/// Runs `body` with up to `bytes` more of the memory that it frees kept for its next tensors: for work that takes the same
/// large tensors again and again, whose fresh pages would cost a tenth of its time. All of it is returned at the end.
package func reusingMemory<Result, Failure: Error>(
    upTo bytes: Int, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    BlockCache.shared.changeLimit(by: bytes)
    defer {
        BlockCache.shared.changeLimit(by: -bytes)
        BlockCache.shared.clear()
    }
    return try body()
}
