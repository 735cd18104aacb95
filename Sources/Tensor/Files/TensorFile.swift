/// A mapped file of named tensors, whatever its format. What it says of its tensors has been checked against its bytes.
package protocol TensorFile: Sendable {
    var format: TensorFileFormat { get }
    /// Names of the tensors, sorted.
    var names: [String] { get }
    /// Texts that the file has beside its tensors.
    var metadata: [String: String] { get }
    func shape(of name: String) -> [Int]?
    func elementType(of name: String) -> ElementType?
    /// The tensor called `name`, in single precision; in the mapping itself where it lies there as that.
    func tensor(_ name: String) throws -> Tensor
    /// Checks what the format has checksums for; reads the whole file.
    func verifyChecksums() throws
    /// The whole file, to hash it.
    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
}

package enum TensorFileFormat: String, Sendable {
    case safetensors
    /// What `torch.save` writes: a zip archive with a pickle as its index.
    case torch

    /// Opens the file at `path` as what its first bytes say it is; its name counts for nothing.
    package static func open(path: String) throws -> any TensorFile {
        let mapping: FileMapping
        do {
            mapping = try FileMapping(path: path)
        } catch {
            throw TensorFileError.system(call: error.call, path: error.path, code: error.code)
        }
        return try open(mapping)
    }

    /// The same for a file whose content is at hand.
    package static func open(content: [UInt8]) throws -> any TensorFile { try open(FileMapping(copying: content)) }

    private static func open(_ mapping: FileMapping) throws -> any TensorFile {
        let bytes = mapping.bytes
        guard bytes.count > 0 else { throw TensorFileError.empty }
        if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) || bytes.starts(with: [0x50, 0x4B, 0x05, 0x06]) {
            return try TorchFile(mapping: mapping)
        }
        if bytes.starts(with: TensorFileError.legacyTorchMagic) { throw TensorFileError.legacyTorch }
        // Eight bytes of length, of which a header that fits leaves the upper four at zero; then JSON.
        guard bytes.count > 8, bytes[8] == UInt8(ascii: "{"), bytes[4..<8].allSatisfy({ $0 == 0 }) else {
            throw TensorFileError.unrecognised(firstBytes: Array(bytes.prefix(8)))
        }
        return try SafetensorsFile(mapping: mapping)
    }
}

/// Why a file is not one of tensors.
package enum TensorFileError: Error, Equatable {
    case system(call: String, path: String, code: Int32)
    case empty
    /// The format of PyTorch before 1.6.
    case legacyTorch
    case unrecognised(firstBytes: [UInt8])

    /// A pickle of protocol 2 with PyTorch's magic number (`torch/serialization.py`), which only the old format starts with.
    static let legacyTorchMagic: [UInt8] = [
        0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]
}
