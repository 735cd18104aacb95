import Basics
import Glibc

extension TensorFileError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let call, let path, let code): systemFailure(call, path, code)
        case .empty: "the file is empty"
        case .legacyTorch:
            """
            the file has PyTorch's format from before version 1.6; save it again with a newer one: python3 -c \
            "import torch; torch.save(torch.load('OLD.pth', map_location='cpu'), 'NEW.pth')"
            """
        case .unrecognised(let bytes): "neither safetensors nor a PyTorch file\(Self.guess(bytes))"
        }
    }

    /// What else it might be: names that people meet where a model should be.
    private static func guess(_ bytes: [UInt8]) -> String {
        let known: [(String, String)] = [
            ("version ", ": a Git LFS pointer; fetch the file itself with git lfs pull"),
            ("<!DOCTYP", ": a web page; the download went wrong"), ("<html", ": a web page; the download went wrong"),
            ("GGUF", ": a GGUF file"), ("\u{89}HDF", ": an HDF5 file"),
        ]
        for (start, meaning) in known where bytes.starts(with: start.unicodeScalars.map { UInt8($0.value) }) {
            return meaning
        }
        let digits = bytes.map { Hex.string([$0]) }
        return ": it starts with the bytes \(digits.joined(separator: " "))"
    }
}

/// `open PATH: No such file or directory`.
func systemFailure(_ call: String, _ path: String, _ code: Int32) -> String {
    "\(call) \(path): \(String(cString: strerror(code)))"
}
