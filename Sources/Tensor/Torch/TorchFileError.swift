/// Why a file that looks like one of `torch.save` cannot be used.
package enum TorchFileError: Error, Equatable {
    case archive(ZipError)
    /// The archive has no `data.pkl`: some other zip file.
    case noIndex
    case severalIndices([String])
    case indexTooLarge(bytes: Int, limit: Int)
    case byteOrder(String)
    case pickle(entry: String, PickleError)
    /// What was saved is not a dict that has tensors, nor one that has such a dict under a usual key.
    case noTensors(found: String)
    case duplicate(tensor: String)
    case missingStorage(tensor: String, entry: String)
    case storageTooSmall(tensor: String, entry: String, needed: Int, found: Int)
    /// Sizes whose product does not fit.
    case shapeTooLarge(tensor: String)
    /// The view reaches beyond the elements of its storage.
    case viewOutside(tensor: String, shape: [Int], strides: [Int], offset: Int, storage: Int)
    /// Views that show the same bytes over and over: reading them could take any amount of memory.
    case viewsExceedFile(bytes: Int, file: Int)
    case missing(tensor: String)
    /// A type that does not convert to single precision.
    case notFloatingPoint(tensor: String, found: String)
}

extension TorchFileError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .archive(let error): "\(error)"
        case .noIndex: "a zip archive without data.pkl: not written by torch.save"
        case .severalIndices(let names): "the zip archive has several indices: \(names.joined(separator: ", "))"
        case .indexTooLarge(let bytes, let limit):
            "data.pkl has \(bytes) bytes; no model's index is larger than \(limit)"
        case .byteOrder(let found): "the byte order is \"\(found)\"; only \"little\" can be read"
        case .pickle(let entry, let error): "\(entry), \(error)"
        case .noTensors(let found): "no tensors: the file holds \(found), not a state dict"
        case .duplicate(let tensor): "tensor \(tensor) is there twice"
        case .missingStorage(let tensor, let entry): "tensor \(tensor): the archive has no entry \(entry)"
        case .storageTooSmall(let tensor, let entry, let needed, let found):
            "tensor \(tensor): the entry \(entry) has \(found) bytes, and should have \(needed)"
        case .shapeTooLarge(let tensor): "tensor \(tensor): its size overflows"
        case .viewOutside(let tensor, let shape, let strides, let offset, let storage):
            """
            tensor \(tensor): shape \(shape) with strides \(strides) from element \(offset) reaches beyond its storage of \
            \(storage) elements
            """
        case .viewsExceedFile(let bytes, let file):
            "the tensors together are \(bytes) bytes, views of the same data again and again; the file has only \(file)"
        case .missing(let tensor): "there is no tensor \(tensor)"
        case .notFloatingPoint(let tensor, let found): "tensor \(tensor) holds \(found), not floating-point numbers"
        }
    }
}
