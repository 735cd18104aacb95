import Basics
import Client
import Posix
import Server
import Testing

@Suite struct ClientTests {
    /// A server that takes a request and never answers it keeps nobody for ever.
    @Test func givesUpOnASilentServer() throws {
        let waiting = Lock<[ResponseWriter]>([])
        let server = try TestServer { _, reply in waiting.withLock { $0.append(reply) } }
        var client = try Client(server.addresses[0].description)
        client.patienceSeconds = 1
        let silent = ClientError.silent(address: server.addresses[0].description)
        #expect(throws: silent) { try client.get("/") }
        #expect(silent.description.contains(server.addresses[0].description) && silent.isPassing)
        waiting.withLock { $0 = [] }
    }
}
