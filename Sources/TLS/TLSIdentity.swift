import Basics

/// The certificate that new connections get. It can be exchanged while the server runs; connections that are open keep the one they
/// were made with.
package final class TLSIdentity: Sendable {
    /// Where the operator keeps it.
    package struct Files: Sendable {
        package let certificate: String
        package let key: String
        package let clientAuthority: String?

        package init(certificate: String, key: String, clientAuthority: String?) {
            self.certificate = certificate
            self.key = key
            self.clientAuthority = clientAuthority
        }
    }

    private let files: Files
    private let state: Lock<TLSContext>

    package init(_ files: Files) throws(TLSError) {
        self.files = files
        state = Lock(try Self.load(files))
    }

    package var context: TLSContext { state.withLock { $0 } }

    /// Reads the files again. When they do not fit together, the old ones stay and this throws.
    package func reload() throws(TLSError) {
        let fresh = try Self.load(files)
        state.withLock { $0 = fresh }
    }

    private static func load(_ files: Files) throws(TLSError) -> TLSContext {
        try TLSContext(certificate: files.certificate, key: files.key, clientAuthority: files.clientAuthority)
    }
}
