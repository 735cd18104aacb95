import Glibc

/// A safetensors file, memory-mapped; its header is checked whole before anything is read.
///
/// Tensors of single precision are slices of the mapping and cost no memory of their own; other floating-point types
/// are converted when asked for. The file must not be shortened while it is open: replace files by renaming, as
/// `Safetensors` does.
package final class SafetensorsFile: Sendable {
    private let mapping: FileMapping
    private let header: SafetensorsHeader

    /// Names of the tensors, sorted.
    package let names: [String]
    package var metadata: [String: String] { header.metadata }

    package init(path: String) throws(SafetensorsError) {
        mapping = try FileMapping(path: path)
        header = try SafetensorsHeader(file: mapping.bytes)
        names = header.entries.keys.sorted()
    }

    package func shape(of name: String) -> [Int]? { header.entries[name]?.shape }

    package func dataType(of name: String) -> SafetensorsHeader.DataType? { header.entries[name]?.dataType }

    /// The tensor called `name`, in single precision.
    package func tensor(_ name: String) throws(SafetensorsError) -> Tensor {
        guard let entry = header.entries[name] else { throw .missing(tensor: name) }
        let bytes = UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.range])
        let count = bytes.count / entry.dataType.bytes
        guard count > 0, let base = bytes.baseAddress else { return Tensor(shape: entry.shape, []) }
        switch entry.dataType {
        case .float32:
            if UInt(bitPattern: base).isMultiple(of: UInt(MemoryLayout<Float>.alignment)) {
                let floats = base.assumingMemoryBound(to: Float.self)
                return Tensor(shape: entry.shape, borrowing: floats, from: mapping)
            }
            return Tensor(shape: entry.shape) { UnsafeMutableRawBufferPointer($0).copyMemory(from: bytes) }
        case .float16:
            return converted(entry.shape, base, count) { Kernels.best.floats($0, fromHalf: $1, $2) }
        case .bfloat16:
            return converted(entry.shape, base, count) { Kernels.best.floats($0, fromBfloat: $1, $2) }
        case .float64:
            return Tensor(shape: entry.shape) { out in
                for index in out.indices {
                    out[index] = Float(bytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
                }
            }
        default:
            throw .notFloatingPoint(tensor: name, found: entry.dataType.rawValue)
        }
    }

    /// The whole file, to hash it.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        defer { withExtendedLifetime(mapping) {} }
        return try body(mapping.bytes)
    }

    private func converted(
        _ shape: [Int], _ base: UnsafeRawPointer, _ count: Int,
        _ convert: (UnsafeMutablePointer<Float>, UnsafePointer<UInt16>, Int) -> Void
    ) -> Tensor {
        Tensor.make(shape) { sink in
            if UInt(bitPattern: base).isMultiple(of: 2) {
                convert(sink.base, base.assumingMemoryBound(to: UInt16.self), count)
            } else {
                let halves = [UInt16](unsafeUninitializedCapacity: count) { buffer, initialized in
                    UnsafeMutableRawBufferPointer(buffer).copyMemory(
                        from: UnsafeRawBufferPointer(start: base, count: count * 2))
                    initialized = count
                }
                halves.withUnsafeBufferPointer { if let halves = $0.baseAddress { convert(sink.base, halves, count) } }
            }
        }
    }
}

/// A file mapped for reading, unmapped when the last user lets go.
private final class FileMapping: @unchecked Sendable {
    // Invariant: the bytes are read only.
    let bytes: UnsafeRawBufferPointer

    init(path: String) throws(SafetensorsError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(call: "fstat", path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .system(call: "open", path: path, code: EINVAL) }
        let count = Int(status.st_size)
        guard count > 0 else { throw .truncated(bytes: 0, expected: 8) }
        guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw .system(call: "mmap", path: path, code: errno)
        }
        bytes = UnsafeRawBufferPointer(start: base, count: count)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}
