extension Tensor {
    /// The contiguous elements at `bytes`, part of `mapping`, in single precision; nil for types that do not convert.
    ///
    /// Aligned single precision stays where it is and costs no memory; everything else is converted into memory of its own.
    static func mapped(
        shape: [Int], type: ElementType, bytes: UnsafeRawBufferPointer, of mapping: FileMapping
    ) -> Tensor? {
        guard type.isFloatingPoint else { return nil }
        let count = bytes.count / type.bytes
        guard count > 0, let base = bytes.baseAddress else { return Tensor(shape: shape, []) }
        switch type {
        case .float32:
            if UInt(bitPattern: base).isMultiple(of: UInt(MemoryLayout<Float>.alignment)) {
                return Tensor(shape: shape, borrowing: base.assumingMemoryBound(to: Float.self), from: mapping)
            }
            return Tensor(shape: shape) { UnsafeMutableRawBufferPointer($0).copyMemory(from: bytes) }
        case .float16:
            return converted(shape, base, count) { Kernels.best.floats($0, fromHalf: $1, $2) }
        case .bfloat16:
            return converted(shape, base, count) { Kernels.best.floats($0, fromBfloat: $1, $2) }
        default:
            return Tensor(shape: shape) { out in
                for index in out.indices { out[index] = type.load(bytes, at: index) }
            }
        }
    }

    /// Elements of `bytes` at the steps given, counted in elements from its start, gathered row-major in single precision;
    /// nil for types that do not convert. Every element that shape and strides reach must lie in `bytes`.
    static func gathered(
        shape: [Int], strides: [Int], type: ElementType, from bytes: UnsafeRawBufferPointer
    ) -> Tensor? {
        guard type.isFloatingPoint else { return nil }
        return Tensor(shape: shape) { out in
            var position = [Int](repeating: 0, count: shape.count)
            var offset = 0
            for index in out.indices {
                out[index] = type.load(bytes, at: offset)
                // An odometer: the last axis turns fastest.
                for axis in shape.indices.reversed() {
                    position[axis] += 1
                    offset += strides[axis]
                    if position[axis] < shape[axis] { break }
                    offset -= position[axis] * strides[axis]
                    position[axis] = 0
                }
            }
        }
    }

    private static func converted(
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

extension ElementType {
    /// Whether elements convert to single precision.
    fileprivate var isFloatingPoint: Bool {
        switch self {
        case .float32, .float16, .bfloat16, .float64: true
        default: false
        }
    }

    /// Element `index` of `bytes`; of a floating-point type.
    fileprivate func load(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Float {
        switch self {
        case .float32: bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
        case .float64: Float(bytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
        case .float16: Float(bytes.loadUnaligned(fromByteOffset: index * 2, as: Float16.self))
        case .bfloat16:
            Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)) << 16)
        default: preconditionFailure("\(rawValue) does not convert to single precision")
        }
    }
}
