import Cryptography
import Foundation
import Tensor

/// Which program answers: part of every receipt.
package struct BuildInfo: Sendable, Equatable {
    package static let version = "0.1.0"

    /// SHA-256 of the running executable; two builds of one version may round differently, and this tells them apart.
    package let executableSHA256: String?

    package init(executableSHA256: String?) { self.executableSHA256 = executableSHA256 }

    /// Of this process; the hash is nil where the system does not say which file runs.
    package static let current: BuildInfo = {
        let bytes = try? Data(contentsOf: URL(filePath: "/proc/self/exe"), options: .alwaysMapped)
        return BuildInfo(executableSHA256: bytes.map { $0.withUnsafeBytes { SHA256.hex($0) } })
    }()

    package var json: JSON {
        [
            "version": .string(Self.version), "executable_sha256": .optional(executableSHA256),
            // Other kernels add up in another order.
            "kernels": .string(Kernels.best.name),
        ]
    }
}
