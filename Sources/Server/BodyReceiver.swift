import HTTP
import Posix

/// Keeps bytes in memory while they are few, and in a spool file from then on.
struct ContentCollector {
    private let directory: String
    private let threshold: Int
    private var memory: [UInt8] = []
    private var file: SpoolFile?

    /// - Parameter threshold: The most bytes to keep in memory.
    init(directory: String, threshold: Int) {
        self.directory = directory
        self.threshold = threshold
    }

    /// Bytes kept in memory.
    var memoryCount: Int { memory.count }

    mutating func append(_ bytes: Span<UInt8>) throws(SystemCallError) {
        if let file {
            try file.append(bytes)
        } else if bytes.count <= threshold - memory.count {
            memory.append(bytes, 0..<bytes.count)
        } else {
            let file = try SpoolFile(in: directory)
            try file.append(memory.span)
            try file.append(bytes)
            self.file = file
            memory = []
        }
    }

    func finish() -> Content {
        guard let file else { return .memory(memory) }
        file.seal()
        return .file(file)
    }
}

/// Takes in one request's body: plain, or multipart/form-data cut into its parts.
///
/// It may write to disk, so a large body is received off the I/O queue.
final class BodyReceiver: @unchecked Sendable {
    // Invariant: used by one queue at a time; a connection hands it over by dispatching, and waits for each job to come back.
    private enum Form {
        case plain(ContentCollector)
        case multipart(MultipartParser, PartCollector)
    }

    private var form: Form

    init(mediaType: MediaType?, limits: Limits, directory: String) throws(Refusal) {
        if let mediaType, mediaType.essence == MediaType.multipartFormData.essence {
            do {
                form = .multipart(
                    try MultipartParser(mediaType, limits: limits), PartCollector(limits: limits, directory: directory))
            } catch { throw .multipart(error) }
        } else {
            form = .plain(ContentCollector(directory: directory, threshold: limits.memoryThreshold))
        }
    }

    func receive(_ bytes: Span<UInt8>) throws(Refusal) {
        do {
            switch form {
            case .plain(var collector):
                // What is taken out of `form` must not stay in it as well, or appending would copy the buffer.
                form = .plain(ContentCollector(directory: "", threshold: 0))
                try collector.append(bytes)
                form = .plain(collector)
            case .multipart(var parser, var collector):
                form = .plain(ContentCollector(directory: "", threshold: 0))
                try parser.parse(bytes, into: &collector)
                form = .multipart(parser, collector)
            }
        } catch let error as SystemCallError {
            throw .storage(error)
        } catch let error as MultipartError {
            throw .multipart(error)
        } catch {
            throw .unanswered
        }
    }

    func finish() throws(Refusal) -> RequestBody {
        switch form {
        case .plain(let collector): return .content(collector.finish())
        case .multipart(var parser, let collector):
            do { try parser.finish() } catch { throw .multipart(error) }
            return .multipart(collector.parts)
        }
    }
}

/// Gathers the parts of a form.
private struct PartCollector: MultipartSink {
    private let directory: String
    private let threshold: Int
    /// What all parts together may still keep in memory.
    private var memoryLeft: Int
    private var current: (head: PartHead, content: ContentCollector)?
    private(set) var parts: [Part] = []

    init(limits: Limits, directory: String) {
        self.directory = directory
        threshold = limits.memoryThreshold
        memoryLeft = limits.memoryThreshold.multipliedReportingOverflow(by: 4).partialValue
    }

    mutating func beginPart(_ head: PartHead) {
        current = (head, ContentCollector(directory: directory, threshold: min(threshold, memoryLeft)))
    }

    mutating func append(_ bytes: Span<UInt8>) throws {
        try current?.content.append(bytes)
    }

    mutating func endPart() {
        guard let (head, content) = current else { return }
        memoryLeft -= content.memoryCount
        parts.append(Part(head: head, content: content.finish()))
        current = nil
    }
}
