import CTLS

/// One connection's TLS, between two buffers: what came from the network goes in by `receive`, what is to go there comes out of
/// `outgoing`. It knows no socket, so that two of them can talk to each other in a test.
package struct TLSSession: ~Copyable {
    package enum Outcome: Sendable, Equatable {
        case bytes(Int)
        /// More must come from the network first.
        case needsInput
        /// The peer has said goodbye.
        case closed
    }

    private let raw: OpaquePointer
    // Owned by `raw`.
    private let input: OpaquePointer
    private let output: OpaquePointer

    /// The server's side of a connection.
    package init(server context: TLSContext) throws(TLSError) {
        (raw, input, output) = try Self.make(context)
        SSL_set_accept_state(raw)
    }

    /// The client's side of a connection to `host`, whose name, or address in digits, the server's certificate must bear.
    package init(client context: TLSContext, host: String) throws(TLSError) {
        let made = try Self.make(context)
        do throws(TLSError) {
            try Self.expect(host, made.raw)
        } catch {
            SSL_free(made.raw)
            throw error
        }
        (raw, input, output) = made
        SSL_set_connect_state(raw)
    }

    private static func expect(_ host: String, _ raw: OpaquePointer) throws(TLSError) {
        let parameters = SSL_get0_param(raw)
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1 { return }
        ERR_clear_error()
        guard X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1, ctls_set_server_name(raw, host) == 1 else {
            throw .library(call: "X509_VERIFY_PARAM_set1_host", reason: TLSError.takeReason())
        }
    }

    private static func make(
        _ context: TLSContext
    ) throws(TLSError) -> (raw: OpaquePointer, input: OpaquePointer, output: OpaquePointer) {
        guard let raw = SSL_new(context.raw) else { throw .library(call: "SSL_new", reason: TLSError.takeReason()) }
        guard let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem()) else {
            SSL_free(raw)
            throw .library(call: "BIO_new", reason: TLSError.takeReason())
        }
        SSL_set_bio(raw, input, output)
        return (raw, input, output)
    }

    deinit { SSL_free(raw) }

    package var isEstablished: Bool { SSL_is_init_finished(raw) == 1 }

    /// Bytes that wait to be sent to the network.
    package var outgoingCount: Int { ctls_bio_pending(output) }

    /// Takes in what came from the network.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
        guard !bytes.isEmpty else { return }
        let taken = BIO_write(input, bytes.baseAddress, Int32(clamping: bytes.count))
        guard Int(taken) == bytes.count else { throw .library(call: "BIO_write", reason: TLSError.takeReason()) }
    }

    /// Decrypts into `buffer`; goes on with the handshake first.
    package mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TLSError) -> Outcome {
        ERR_clear_error()
        let count = SSL_read(raw, buffer.baseAddress, Int32(clamping: buffer.count))
        return try outcome(of: count)
    }

    /// Encrypts `bytes`, or the first of them.
    package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(TLSError) -> Outcome {
        ERR_clear_error()
        let count = SSL_write(raw, bytes.baseAddress, Int32(clamping: bytes.count))
        return try outcome(of: count)
    }

    /// Goes on with the handshake, as far as what came in allows.
    package mutating func handshake() throws(TLSError) {
        ERR_clear_error()
        let code = SSL_do_handshake(raw)
        if code != 1 { _ = try outcome(of: code) }
    }

    /// Takes new keys for what is sent from here on, and tells the peer (KeyUpdate, RFC 8446 §4.6.3): any client may, as often as it likes.
    /// - Parameter asksPeer: Whether the peer is to do the same, which makes it answer.
    package mutating func renewKeys(asksPeer: Bool) throws(TLSError) {
        ERR_clear_error()
        guard SSL_key_update(raw, asksPeer ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1 else {
            throw .library(call: "SSL_key_update", reason: TLSError.takeReason())
        }
        try handshake()
    }

    private func outcome(of count: Int32) throws(TLSError) -> Outcome {
        if count > 0 { return .bytes(Int(count)) }
        switch SSL_get_error(raw, count) {
        // A memory BIO takes any amount, so nothing ever waits for output.
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .needsInput
        case SSL_ERROR_ZERO_RETURN: return .closed
        default: throw .handshake(TLSError.takeReason())
        }
    }

    /// The oldest bytes for the network, at most as many as `buffer` holds; they are then gone from here.
    package mutating func takeOutgoing(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        max(0, Int(BIO_read(output, buffer.baseAddress, Int32(clamping: buffer.count))))
    }

    /// Says goodbye (close_notify): another message for the network.
    package mutating func close() {
        guard isEstablished else { return }
        ERR_clear_error()
        _ = SSL_shutdown(raw)
        ERR_clear_error()
    }

    /// The subject of the other side's certificate, such as `/CN=gmiseg.example`; nil when it showed none.
    package var peerName: String? {
        guard let certificate = SSL_get0_peer_certificate(raw) else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            X509_NAME_oneline(X509_get_subject_name(certificate), buffer.baseAddress, Int32(buffer.count))
                .map { String(cString: $0) }
        }
    }
}
