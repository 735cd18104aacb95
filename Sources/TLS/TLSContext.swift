import CTLS

/// One side's certificates and the rules under which connections are made: TLS 1.2 or 1.3, forward secrecy and authenticated
/// encryption only, `http/1.1` by ALPN (RFC 7301).
package final class TLSContext: Sendable {
    // Invariant: configured in `init` and only read from then on, which OpenSSL allows from any thread.
    nonisolated(unsafe) let raw: OpaquePointer

    // RFC 9325 §4.2; the suites of TLS 1.3 are all of this kind.
    private static let ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"

    /// - Parameters:
    ///   - certificate: A PEM file: the server's certificate, then those that lead to its root.
    ///   - key: A PEM file with the private key, not encrypted.
    ///   - clientAuthority: A PEM file of the authorities of whom clients must show a certificate; nil: none is asked for.
    package init(certificate: String, key: String, clientAuthority: String? = nil) throws(TLSError) {
        raw = try Self.make(TLS_server_method())
        ctls_harden_server(raw)
        SSL_CTX_set_alpn_select_cb(raw, selectProtocol, nil)
        try use(certificate: certificate, key: key)
        if let clientAuthority {
            guard SSL_CTX_load_verify_locations(raw, clientAuthority, nil) == 1,
                let names = SSL_load_client_CA_file(clientAuthority)
            else { throw .file(path: clientAuthority, reason: TLSError.takeReason()) }
            SSL_CTX_set_client_CA_list(raw, names)
            SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
            // Sessions of verified clients are resumed only by servers that say whose they are (SSL_CTX_set_session_id_context).
            let name = Array("gmiseg".utf8)
            SSL_CTX_set_session_id_context(raw, name, UInt32(name.count))
        }
    }

    /// For clients: the server must show a certificate of an authority that is trusted.
    ///
    /// - Parameters:
    ///   - authority: A PEM file of those authorities; nil: those that the system trusts.
    ///   - certificate: A PEM file of one's own, with its key, for servers that ask.
    ///   - applicationProtocol: What is offered by ALPN.
    package init(
        trusting authority: String?, certificate: String? = nil, key: String? = nil,
        applicationProtocol: String = "http/1.1"
    ) throws(TLSError) {
        raw = try Self.make(TLS_client_method())
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
        if let authority {
            guard SSL_CTX_load_verify_locations(raw, authority, nil) == 1 else {
                throw .file(path: authority, reason: TLSError.takeReason())
            }
        } else {
            SSL_CTX_set_default_verify_paths(raw)
        }
        let offered = [UInt8(applicationProtocol.utf8.count)] + Array(applicationProtocol.utf8)
        SSL_CTX_set_alpn_protos(raw, offered, UInt32(offered.count))
        if let certificate, let key { try use(certificate: certificate, key: key) }
    }

    deinit { SSL_CTX_free(raw) }

    private static func make(_ method: OpaquePointer?) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        guard let raw = SSL_CTX_new(method) else {
            throw .library(call: "SSL_CTX_new", reason: TLSError.takeReason())
        }
        guard ctls_set_minimum_version(raw, TLS1_2_VERSION) == 1, SSL_CTX_set_cipher_list(raw, ciphers) == 1 else {
            throw .library(call: "SSL_CTX_set_cipher_list", reason: TLSError.takeReason())
        }
        // A write may come again with another buffer, and idle connections give their buffers back.
        let modes = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
        _ = ctls_set_mode(raw, Int(modes))
        return raw
    }

    private func use(certificate: String, key: String) throws(TLSError) {
        guard SSL_CTX_use_certificate_chain_file(raw, certificate) == 1 else {
            throw .file(path: certificate, reason: TLSError.takeReason())
        }
        // The key is compared with the certificate as it is read.
        guard SSL_CTX_use_PrivateKey_file(raw, key, SSL_FILETYPE_PEM) == 1, SSL_CTX_check_private_key(raw) == 1 else {
            let reason = TLSError.takeReason()
            guard Self.holdsKey(key) else { throw .file(path: key, reason: reason) }
            throw .keyMismatch(certificate: certificate, key: key)
        }
    }

    /// Whether the file holds a private key at all.
    private static func holdsKey(_ path: String) -> Bool {
        guard let file = BIO_new_file(path, "r") else { return false }
        defer {
            BIO_free(file)
            ERR_clear_error()
        }
        guard let key = PEM_read_bio_PrivateKey(file, nil, nil, nil) else { return false }
        EVP_PKEY_free(key)
        return true
    }
}

/// Takes `http/1.1` out of what the client offers; a client that offers only other protocols is told so (RFC 7301 §3.2).
private func selectProtocol(
    _: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, _ length: UnsafeMutablePointer<UInt8>?,
    _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32, _: UnsafeMutableRawPointer?
) -> Int32 {
    guard let chosen, let length, let offered else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let wanted = StaticString("http/1.1")
    var index = 0
    while index < Int(offeredLength) {
        let count = Int(offered[index])
        guard index + 1 + count <= Int(offeredLength) else { break }
        if count == wanted.utf8CodeUnitCount,
            (0..<count).allSatisfy({ offered[index + 1 + $0] == wanted.utf8Start[$0] })
        {
            chosen.pointee = offered + index + 1
            length.pointee = UInt8(count)
            return SSL_TLSEXT_ERR_OK
        }
        index += 1 + count
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
}
