import Posix

/// Moves a connection's bytes. One queue uses it.
protocol Transport: AnyObject {
    var raw: CInt { get }
    /// Reads what is there. Fewer bytes than the buffer holds: there are no more for now.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer
    func write(_ bytes: UnsafeRawBufferPointer) -> Transfer
    /// Whether something that `write` took still waits for the socket.
    var hasPendingOutput: Bool { get }
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
    func write(_ bytes: UnsafeRawBufferPointer) -> Transfer { socket.write(bytes) }
    var hasPendingOutput: Bool { false }
    func flush() -> Transfer { .bytes(0) }
    var isHandshaking: Bool { false }
    func shutdownWriting() { socket.shutdownWriting() }
    func resetOnClose() { socket.resetOnClose() }
}
