import Basics
import Glibc

/// Large blocks kept for the next tensor of the same size.
///
/// A network asks for the same few sizes over and over, and memory fresh from the kernel is zeroed page by page: at
/// tens of megabytes a tensor that costs as much as the arithmetic of the cheap operations. Beyond the limit the blocks
/// that nobody has asked for longest go: were it the newest, one phase of a training step would fill the cache with
/// sizes that the next does not take, and every block of that one would be fresh.
package final class BlockCache: Sendable {
    static let shared = BlockCache(limit: 256 << 20)

    private struct Kept {
        let address: UInt
        /// When it was given, in blocks given before.
        let time: Int
    }

    private struct State {
        var blocks: [Int: [Kept]] = [:]  // by byte count, oldest first
        var bytes = 0
        var limit: Int
        var time = 0

        /// Many sizes come once, an image's own: what is left of them must not be looked through for ever.
        mutating func forgetIfEmpty(_ size: Int) {
            if blocks[size]?.isEmpty == true { blocks[size] = nil }
        }

        /// Takes the oldest block out.
        mutating func removeOldest() -> (address: UInt, bytes: Int)? {
            let oldest = blocks.compactMap { size, kept in kept.first.map { (size: size, time: $0.time) } }
                .min { $0.time < $1.time }
            guard let size = oldest?.size, let block = blocks[size]?.removeFirst() else { return nil }
            forgetIfEmpty(size)
            bytes -= size
            return (block.address, size)
        }
    }

    private static let alignment = 64
    private static let smallest = 64 << 10  // below, malloc's own lists do as well
    private static let hugePage = 2 << 20
    private let state: Lock<State>

    package init(limit: Int) { state = Lock(State(limit: limit)) }

    /// Bytes kept, of blocks that nobody uses.
    package var keptBytes: Int { state.withLock { $0.bytes } }

    /// Raises the limit, or lowers it again; nothing already kept is returned by that.
    func changeLimit(by bytes: Int) { state.withLock { $0.limit += bytes } }

    /// A block of at least `bytes` bytes, of unspecified content. Running out of memory traps.
    package func take(bytes: Int) -> UnsafeMutableRawPointer {
        if bytes >= Self.smallest {
            let address = state.withLock { state -> UInt? in
                guard let block = state.blocks[bytes]?.popLast() else { return nil }
                state.forgetIfEmpty(bytes)
                state.bytes -= bytes
                return block.address
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
    package func give(_ block: UnsafeMutableRawPointer, bytes: Int) {
        guard bytes >= Self.smallest else { return Self.release(block, bytes: bytes) }
        let surplus = state.withLock { state -> [(address: UInt, bytes: Int)] in
            // It would drive all others out, and then itself.
            guard bytes <= state.limit else { return [(UInt(bitPattern: block), bytes)] }
            state.blocks[bytes, default: []].append(Kept(address: UInt(bitPattern: block), time: state.time))
            state.bytes += bytes
            state.time += 1
            var surplus: [(address: UInt, bytes: Int)] = []
            while state.bytes > state.limit, let oldest = state.removeOldest() { surplus.append(oldest) }
            return surplus
        }
        Self.release(surplus)
    }

    /// Returns everything kept to the system.
    package func clear() {
        Self.release(
            state.withLock { state in
                var all: [(address: UInt, bytes: Int)] = []
                while let oldest = state.removeOldest() { all.append(oldest) }
                return all
            })
    }

    private static func release(_ blocks: [(address: UInt, bytes: Int)]) {
        for (address, bytes) in blocks {
            if let block = UnsafeMutableRawPointer(bitPattern: address) { release(block, bytes: bytes) }
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
