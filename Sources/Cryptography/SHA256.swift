import Basics
import COpenSSL

/// An incremental SHA-256 (FIPS 180-4), on OpenSSL's libcrypto.
package struct SHA256: ~Copyable {
    private let context: OpaquePointer

    package init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            // Only out-of-memory or an OpenSSL without SHA-256 end here; neither can be recovered from.
            preconditionFailure("OpenSSL gives no SHA-256")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        let code = EVP_DigestUpdate(context, base, bytes.count)
        precondition(code == 1, "EVP_DigestUpdate failed")
    }

    package mutating func update(_ bytes: some Sequence<UInt8>) {
        if bytes.withContiguousStorageIfAvailable({ update(UnsafeRawBufferPointer($0)) }) == nil {
            Array(bytes).withUnsafeBytes { update($0) }
        }
    }

    /// The 32 bytes of the digest.
    package consuming func finalize() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let code = EVP_DigestFinal_ex(context, &digest, nil)
        precondition(code == 1, "EVP_DigestFinal_ex failed")
        return digest
    }

    /// The digest of `bytes` in lower-case hexadecimal, 64 characters.
    package static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return Hex.string(hash.finalize())
    }

    package static func hex(_ bytes: some Sequence<UInt8>) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return Hex.string(hash.finalize())
    }
}
