import CTLS

/// What OpenSSL refused, and why.
package enum TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A file that the operator named cannot be used.
    case file(path: String, reason: String)
    /// Certificate and key are not a pair.
    case keyMismatch(certificate: String, key: String)
    /// The peer broke the protocol, or has no certificate that we trust.
    case handshake(String)
    case library(call: String, reason: String)

    package var description: String {
        switch self {
        case .file(let path, let reason): "\(path) cannot be used: \(reason)"
        case .keyMismatch(let certificate, let key):
            "the key in \(key) is not that of the certificate in \(certificate)"
        case .handshake(let reason): "TLS handshake: \(reason)"
        case .library(let call, let reason): "\(call): \(reason)"
        }
    }

    /// OpenSSL's latest reason; the queue of reasons, which belongs to the thread, is empty afterwards.
    static func takeReason() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0 else { return "no reason given" }
        return ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
