import Posix

/// Moves a connection's bytes. One queue uses it.
protocol Transport: AnyObject {
    var raw: CInt { get }
    /// Reads what is there. Fewer bytes than the buffer holds: there are no more for now, unless it has yielded.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer
    /// Whether the last `read`, which may have found no bytes, left off for the sake of others: there may be more.
    var hasYielded: Bool { get }
    func write(_ bytes: UnsafeRawBufferPointer) -> Transfer
    /// Bytes that still wait for the socket: of what `write` took, and of what the transport has to say itself.
    var pendingOutput: Int { get }
    /// Sends what waits; `.bytes` when nothing does any more.
    func flush() -> Transfer
    /// Whether the peers are not yet agreed on how to speak.
    var isHandshaking: Bool { get }
    /// Tells the peer that nothing more will come.
    func shutdownWriting()
    /// When this goes, what the socket still has to send goes too, and the peer learns that it has not got all.
    func resetOnClose()
}

/// The socket as it is, without encryption.
final class PlainTransport: Transport {
    private let socket: Socket

    init(_ socket: consuming Socket) { self.socket = socket }

    var raw: CInt { socket.raw }
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer { socket.read(into: buffer) }
    var hasYielded: Bool { false }
    func write(_ bytes: UnsafeRawBufferPointer) -> Transfer { socket.write(bytes) }
    var pendingOutput: Int { 0 }
    func flush() -> Transfer { .bytes(0) }
    var isHandshaking: Bool { false }
    func shutdownWriting() { socket.shutdownWriting() }
    func resetOnClose() { socket.resetOnClose() }
}
