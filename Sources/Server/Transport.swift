import Posix

/// Moves a connection's bytes. One queue uses it.
protocol Transport: AnyObject {
    var raw: CInt { get }
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer
    func write(_ bytes: UnsafeRawBufferPointer) -> Transfer
    /// Tells the peer that nothing more will come.
    func shutdownWriting()
}

/// The socket as it is, without encryption.
final class PlainTransport: Transport {
    private let socket: Socket

    init(_ socket: consuming Socket) { self.socket = socket }

    var raw: CInt { socket.raw }
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer { socket.read(into: buffer) }
    func write(_ bytes: UnsafeRawBufferPointer) -> Transfer { socket.write(bytes) }
    func shutdownWriting() { socket.shutdownWriting() }
}
