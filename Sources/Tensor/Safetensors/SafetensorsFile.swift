/// A safetensors file, memory-mapped; its header is checked whole before anything is read.
///
/// Tensors of single precision are slices of the mapping and cost no memory of their own; other floating-point types
/// are converted when asked for. The file must not be shortened while it is open: replace files by renaming, as
/// `Safetensors` does.
package final class SafetensorsFile: TensorFile {
    private let mapping: FileMapping
    private let header: SafetensorsHeader

    package let format = TensorFileFormat.safetensors
    package let names: [String]
    package var metadata: [String: String] { header.metadata }

    package convenience init(path: String) throws(SafetensorsError) {
        let mapping: FileMapping
        do {
            mapping = try FileMapping(path: path)
        } catch {
            throw .system(call: error.call, path: error.path, code: error.code)
        }
        try self.init(mapping: mapping)
    }

    init(mapping: FileMapping) throws(SafetensorsError) {
        self.mapping = mapping
        header = try SafetensorsHeader(file: mapping.bytes)
        names = header.entries.keys.sorted()
    }

    package func shape(of name: String) -> [Int]? { header.entries[name]?.shape }

    package func elementType(of name: String) -> ElementType? { header.entries[name]?.dataType }

    package func tensor(_ name: String) throws(SafetensorsError) -> Tensor {
        guard let entry = header.entries[name] else { throw .missing(tensor: name) }
        let bytes = UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.range])
        guard let tensor = Tensor.mapped(shape: entry.shape, type: entry.dataType, bytes: bytes, of: mapping) else {
            throw .notFloatingPoint(tensor: name, found: entry.dataType.rawValue)
        }
        return tensor
    }

    /// A copy of the stored bytes of the tensor called `name`, of whatever type.
    package func bytes(_ name: String) throws(SafetensorsError) -> [UInt8] {
        guard let entry = header.entries[name] else { throw .missing(tensor: name) }
        return Array(mapping.bytes[entry.range])
    }

    /// The format has no checksums.
    package func verifyChecksums() {}

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        defer { withExtendedLifetime(mapping) {} }
        return try body(mapping.bytes)
    }
}
