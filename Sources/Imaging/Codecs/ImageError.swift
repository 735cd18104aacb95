/// Why bytes are not an image that can be used.
package enum ImageError: Error, Equatable, Sendable {
    case empty
    /// Neither PNG nor JPEG; `found` names the format, or quotes the first bytes.
    case unknownFormat(found: String)
    case truncated(ImageFormat, detail: String)
    case corrupt(ImageFormat, reason: String)
    case unsupported(ImageFormat, feature: String)
    case tooManyPixels(width: Int, height: Int, limit: Int)
    case sideTooLong(width: Int, height: Int, limit: Int)
    case tooManyBytes(found: Int, limit: Int)
    case unreadable(path: String, errno: Int32)
}

extension ImageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty:
            "the image is empty (0 bytes)"
        case .unknownFormat(let found):
            "the image is neither PNG nor JPEG, it looks like \(found)"
        case .truncated(let format, let detail):
            "the \(format.rawValue) image is cut off: \(detail)"
        case .corrupt(let format, let reason):
            "the \(format.rawValue) image is damaged: \(reason)"
        case .unsupported(let format, let feature):
            "\(feature) \(format.rawValue) images are not supported"
        case .tooManyPixels(let width, let height, let limit):
            "the image has \(width) x \(height) pixels, the limit is \(limit) pixels"
        case .sideTooLong(let width, let height, let limit):
            "the image measures \(width) x \(height) pixels, no side may exceed \(limit)"
        case .tooManyBytes(let found, let limit):
            "the image file has \(found) bytes, the limit is \(limit)"
        case .unreadable(let path, let code):
            "\(path) cannot be read (errno \(code))"
        }
    }

    /// What the sender can do about it.
    package var hint: String {
        switch self {
        case .empty:
            "Send the bytes of a PNG or JPEG file; with curl, write @ before the file name."
        case .unknownFormat:
            "Convert the image to PNG (8 or 16 bit, grey or RGB) or JPEG."
        case .truncated:
            "Send the file again, complete."
        case .corrupt:
            "Export the image again from its source, as PNG."
        case .unsupported:
            "Save the image as PNG, or as 8-bit grey or RGB JPEG."
        case .tooManyPixels, .sideTooLong, .tooManyBytes:
            "Crop or downscale the image."
        case .unreadable:
            "Check that the file exists and may be read."
        }
    }
}
