/// What can be wrong with a safetensors file, or with writing one.
package enum SafetensorsError: Error, Equatable {
    case system(call: String, path: String, code: Int32)
    /// The file ends before its header does.
    case truncated(bytes: Int, expected: Int)
    case headerTooLarge(bytes: UInt64, limit: Int)
    /// The header is not the JSON that the format prescribes, at this byte of it.
    case malformedHeader(offset: Int, expected: String)
    case duplicate(name: String)
    case unknownDataType(tensor: String, found: String)
    /// The product of the sizes does not fit a 64-bit count of bytes.
    case shapeTooLarge(tensor: String)
    /// The bytes that shape and type need are not those that the offsets span.
    case byteCount(tensor: String, expected: Int, found: Int)
    /// Tensors must follow each other without gap or overlap: this one should start where the one before ends.
    case offset(tensor: String, expected: Int, found: Int)
    /// The tensors end here, the data there.
    case dataLength(expected: Int, found: Int)
    case missing(tensor: String)
    /// A type that does not convert to single precision.
    case notFloatingPoint(tensor: String, found: String)
}
