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
    /// In writing: half precision ends at 65504.
    case tooLargeForHalf(tensor: String, value: Float)
}

extension SafetensorsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let call, let path, let code): systemFailure(call, path, code)
        case .truncated(let bytes, let expected):
            "the file has \(bytes) bytes, and its header alone should reach to byte \(expected): truncated"
        case .headerTooLarge(let bytes, let limit): "byte 0: a header of \(bytes) bytes; at most \(limit) are allowed"
        case .malformedHeader(let offset, let expected): "byte \(offset) of the header: expected \(expected)"
        case .duplicate(let name): "the name \(name) is there twice"
        case .unknownDataType(let tensor, let found): "tensor \(tensor): the type \(found) is not known"
        case .shapeTooLarge(let tensor): "tensor \(tensor): its size overflows"
        case .byteCount(let tensor, let expected, let found):
            "tensor \(tensor): shape and type need \(expected) bytes, the offsets span \(found)"
        case .offset(let tensor, let expected, let found):
            "tensor \(tensor): starts at byte \(found) of the data, and should at \(expected), where the one before ends"
        case .dataLength(let expected, let found):
            "the tensors end at byte \(expected) of the data, the file at \(found): truncated, or with something behind it"
        case .missing(let tensor): "there is no tensor \(tensor)"
        case .notFloatingPoint(let tensor, let found): "tensor \(tensor) holds \(found), not floating-point numbers"
        case .tooLargeForHalf(let tensor, let value):
            "tensor \(tensor) holds \(value), which half precision cannot: keep single precision"
        }
    }
}
