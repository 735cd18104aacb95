import COpenSSL

/// Comparison whose time does not tell where two secrets differ.
package enum ConstantTime {
    /// Whether both are the same bytes. Only their lengths show in the time.
    package static func equal(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        return CRYPTO_memcmp(one, other, one.count) == 0
    }
}
