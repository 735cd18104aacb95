import Glibc

/// Writing of safetensors files.
package enum Safetensors {
    package enum Precision: Sendable {
        case float32
        /// Rounded to nearest even; finite magnitudes beyond 65504 are an error.
        case float16

        var type: ElementType { self == .float32 ? .float32 : .float16 }
    }

    /// Writes a file whose bytes depend on nothing but the arguments: tensors and metadata are sorted by name.
    ///
    /// Atomic: `path` holds either what it held before or the whole new file, synchronised to the disk, at any moment.
    /// Tensors are written one after the other, so the file is never in memory as a whole.
    package static func write(
        _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String], to path: String,
        as precision: Precision = .float32
    ) throws(SafetensorsError) {
        let (header, sorted) = try header(tensors, metadata: metadata, as: precision)
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
        do throws(SafetensorsError) {
            try writeThrough(temporary) { (write) throws(SafetensorsError) in
                try header.withUnsafeBufferPointer { (bytes) throws(SafetensorsError) in
                    try write(UnsafeRawBufferPointer(bytes))
                }
                for (name, tensor) in sorted { try encode(tensor, named: name, as: precision, write) }
            }
            guard rename(temporary, path) == 0 else { throw .system(call: "rename", path: path, code: errno) }
        } catch {
            unlink(temporary)
            throw error
        }
        try synchroniseFolder(of: path)
    }

    /// The bytes of a file.
    package static func encode(
        _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String], as precision: Precision = .float32
    ) throws(SafetensorsError) -> [UInt8] {
        let (header, sorted) = try header(tensors, metadata: metadata, as: precision)
        var bytes = header
        bytes.reserveCapacity(header.count + sorted.reduce(0) { $0 + $1.tensor.count * precision.type.bytes })
        for (name, tensor) in sorted {
            try encode(tensor, named: name, as: precision) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// Everything before the data, and the tensors in the order of their data.
    private static func header(
        _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String], as precision: Precision
    ) throws(SafetensorsError) -> (bytes: [UInt8], sorted: [(name: String, tensor: Tensor)]) {
        let sorted = tensors.sorted { $0.name < $1.name }
        for (one, next) in zip(sorted, sorted.dropFirst()) where one.name == next.name {
            throw .duplicate(name: one.name)
        }
        if let reserved = sorted.first(where: { $0.name == "__metadata__" }) { throw .duplicate(name: reserved.name) }
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var offset = 0
        let type = precision.type
        for (name, tensor) in sorted {
            let end = offset + tensor.count * type.bytes
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(name)):{\"dtype\":\"\(type.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}"
            )
            offset = end
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        // Data starts at a multiple of 8, as the reference implementation aligns it.
        header += Array(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
        return (withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init) + header, sorted)
    }

    /// Hands the stored bytes of `tensor` to `write`.
    private static func encode(
        _ tensor: Tensor, named name: String, as precision: Precision,
        _ write: (UnsafeRawBufferPointer) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        try tensor.withUnsafeElements { (elements) throws(SafetensorsError) in
            guard let base = elements.baseAddress else { return }
            switch precision {
            case .float32: try write(UnsafeRawBufferPointer(elements))
            case .float16:
                let halves = [UInt16](unsafeUninitializedCapacity: elements.count) { buffer, initialized in
                    if let out = buffer.baseAddress { Kernels.best.halves(out, fromFloat: base, elements.count) }
                    initialized = elements.count
                }
                for (half, element) in zip(halves, elements) where half & 0x7FFF == 0x7C00 && element.isFinite {
                    throw .tooLargeForHalf(tensor: name, value: element)
                }
                try halves.withUnsafeBufferPointer { (bytes) throws(SafetensorsError) in
                    try write(UnsafeRawBufferPointer(bytes))
                }
            }
        }
    }

    /// A JSON string (RFC 8259, section 7).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Creates the file at `path`, lets `body` write it, and synchronises it.
    private static func writeThrough(
        _ path: String,
        _ body: ((UnsafeRawBufferPointer) throws(SafetensorsError) -> Void) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
        defer { close(descriptor) }
        try body { (bytes) throws(SafetensorsError) in
            var start = 0
            while start < bytes.count {
                let written = Glibc.write(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
                if written < 0 {
                    let code = errno
                    if code == EINTR { continue }
                    throw .system(call: "write", path: path, code: code)
                }
                start += written
            }
        }
        guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: path, code: errno) }
    }

    /// Makes the rename itself durable.
    private static func synchroniseFolder(of path: String) throws(SafetensorsError) {
        let folder = path.lastIndex(of: "/").map { path[...$0] }.map(String.init) ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(call: "open", path: folder, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: folder, code: errno) }
    }
}
