import Posix

/// What is to be written to a connection, in order: bytes, slices of files, and word to whoever waits for them to be gone.
struct OutputQueue {
    enum Outcome {
        case drained
        case blocked
        /// There is more to write, but others are to have their turn.
        case yielded
        /// The client has gone, or a file could not be read.
        case failed
    }

    private enum Segment {
        case bytes([UInt8])
        case file(FileSlice, offset: Int)
        case completion(@Sendable (Bool) -> Void)
    }

    // Small answers to pipelined requests share a buffer, and so a system call; large ones are not copied.
    private static let mergeLimit = 16_384
    private static let fileChunk = 131_072
    private static let bytesPerTurn = 4 << 20

    private var segments: [Segment] = []
    private var first = 0
    /// Bytes of the first segment that are written.
    private var written = 0
    /// Bytes that wait in memory.
    private(set) var byteCount = 0
    /// Open files that wait.
    private(set) var fileCount = 0

    var isEmpty: Bool { first == segments.count }

    /// Appends what `body` writes.
    mutating func append(_ body: (inout [UInt8]) -> Void) {
        guard case .bytes(var last)? = segments.last, first < segments.count, last.count < Self.mergeLimit else {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(512)
            body(&bytes)
            push(.bytes(bytes), bytes.count)
            return
        }
        segments[segments.count - 1] = .bytes([])  // so that the buffer is not shared, and not copied
        let before = last.count
        body(&last)
        byteCount += last.count - before
        segments[segments.count - 1] = .bytes(last)
    }

    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if bytes.count < Self.mergeLimit {
            append { $0.append(contentsOf: bytes) }
        } else {
            push(.bytes(bytes), bytes.count)
        }
    }

    mutating func append(_ file: FileSlice) {
        guard file.count > 0 else { return }
        fileCount += 1
        push(.file(file, offset: 0), 0)
    }

    /// Calls `completion` once everything before it is written (true) or lost (false).
    mutating func append(completion: @escaping @Sendable (Bool) -> Void) { push(.completion(completion), 0) }

    private mutating func push(_ segment: Segment, _ count: Int) {
        segments.append(segment)
        byteCount += count
    }

    /// Drops everything, telling those who wait.
    mutating func abandon() {
        let rest = segments[first...]
        self = OutputQueue()
        for case .completion(let completion) in rest { completion(false) }
    }

    /// Writes until all is gone or the transport would block.
    /// - Parameter written: Bytes that were taken.
    mutating func write(to transport: any Transport, written total: inout Int) -> Outcome {
        var turn = 0
        while first < segments.count {
            guard turn < Self.bytesPerTurn else { return .yielded }
            switch segments[first] {
            case .completion(let completion):
                advance()
                completion(true)
            case .file(let file, let offset):
                guard let bytes = try? file.bytes(at: offset, limit: Self.fileChunk), !bytes.isEmpty else {
                    return .failed
                }
                let next = offset + bytes.count
                // The chunk takes the file's place, the rest of the file comes after it.
                segments[first] = .bytes(bytes)
                byteCount += bytes.count
                if next < file.count {
                    segments.insert(.file(file, offset: next), at: first + 1)
                } else {
                    fileCount -= 1
                }
            case .bytes(let bytes):
                let transfer = bytes.withUnsafeBytes { transport.write(.init(rebasing: $0[written...])) }
                switch transfer {
                case .wouldBlock: return .blocked
                case .closed: return .failed
                case .bytes(let count):
                    total += count
                    turn += count
                    written += count
                    byteCount -= count
                    if written == bytes.count { advance() }
                }
            }
        }
        segments.removeAll(keepingCapacity: true)
        first = 0
        switch transport.flush() {
        case .bytes: return .drained
        case .wouldBlock: return .blocked
        case .closed: return .failed
        }
    }

    private mutating func advance() {
        segments[first] = .bytes([])
        first += 1
        written = 0
    }
}
