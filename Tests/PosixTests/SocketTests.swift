import Glibc
import Posix
import TestSupport
import Testing

@Suite struct SocketTests {
    /// The client's `connect` may return before the connection waits here: the kernel delivers its last segment in its own time.
    private func accepted(by listener: borrowing Socket) throws -> Socket {
        while true {
            if case .connection(let socket) = try listener.accept() { return socket }
            usleep(1_000)
        }
    }

    /// The first transfer that finds something, be it the end.
    private func arrival(at socket: borrowing Socket, _ buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            let transfer = socket.read(into: buffer)
            if transfer != .wouldBlock { return transfer }
            usleep(1_000)
        }
    }

    @Test func portZeroIsResolved() throws {
        let socket = try Socket.listening(on: Address("127.0.0.1:0"))
        guard case .ip4("127.0.0.1", let port)? = socket.localAddress else {
            Issue.record("\(String(describing: socket.localAddress))")
            return
        }
        #expect(port != 0)
        let error = #expect(throws: SystemCallError.self) {
            _ = try Socket.listening(on: .ip4(host: "127.0.0.1", port: port))
        }
        #expect(error?.code == EADDRINUSE)
        #expect(error?.description == "bind 127.0.0.1:\(port): Address already in use")
    }

    @Test func transfers() throws {
        let listener = try Socket.listening(on: Address("127.0.0.1:0"))
        let client = try LoopbackClient(#require(listener.localAddress?.description))
        let server = try accepted(by: listener)
        if case .connection = try listener.accept() { Issue.record("one client, two connections") }
        #expect(server.peerAddress?.description.hasPrefix("127.0.0.1:") == true)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 1)
        defer { buffer.deallocate() }
        #expect(server.read(into: buffer) == .wouldBlock)
        try client.send("hello")
        #expect(arrival(at: server, buffer) == .bytes(5))
        #expect(server.write(UnsafeRawBufferPointer(rebasing: buffer[..<5])) == .bytes(5))
        #expect(try client.read() == Array("hello".utf8))
        server.shutdownWriting()
        #expect(try client.read().isEmpty)
        client.abort()
        #expect(arrival(at: server, buffer) == .closed)
        #expect(server.write(UnsafeRawBufferPointer(rebasing: buffer[..<5])) == .closed)
    }

    @Test func staleSocketFilesAreReplaced() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s.sock")
        do { try Socket.listening(on: .unix(path: path)).stopListening() }  // closed, the file stays
        #expect(access(path, F_OK) == 0)
        let socket = try Socket.listening(on: .unix(path: path))
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        // In use now: stays, and is refused.
        let error = #expect(throws: SystemCallError.self) { _ = try Socket.listening(on: .unix(path: path)) }
        #expect(error?.code == EADDRINUSE)
        _ = try LoopbackClient("unix:" + path)
        _ = try accepted(by: socket)
    }

    @Test func otherFilesAreNotReplaced() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("precious")
        try writeFile(path, [1, 2, 3].span)
        #expect(throws: SystemCallError.self) { _ = try Socket.listening(on: .unix(path: path)) }
        #expect(try FileSlice(path: path).bytes(at: 0, limit: 9) == [1, 2, 3])
    }
}
