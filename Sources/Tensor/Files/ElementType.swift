/// The type of a stored tensor's elements, under its name in safetensors headers.
package enum ElementType: String, Sendable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint64 = "U64"
    case uint32 = "U32"
    case uint16 = "U16"
    case uint8 = "U8"
    case boolean = "BOOL"
    case float8e5m2 = "F8_E5M2"
    case float8e4m3 = "F8_E4M3"

    package var bytes: Int {
        switch self {
        case .float64, .int64, .uint64: 8
        case .float32, .int32, .uint32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        case .int8, .uint8, .boolean, .float8e5m2, .float8e4m3: 1
        }
    }

    /// The bytes of a tensor; nil when they, or any product of its sizes, overflow.
    func bytes(of shape: [Int]) -> Int? {
        var bytes = self.bytes
        // A shape such as [2^62, 2^62, 0] is empty, but multiplying its sizes overflows: refused like any other.
        for size in shape where size != 0 {
            let product = bytes.multipliedReportingOverflow(by: size)
            if product.overflow { return nil }
            bytes = product.partialValue
        }
        return shape.contains(0) ? 0 : bytes
    }
}
