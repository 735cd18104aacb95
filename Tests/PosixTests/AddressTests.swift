import Posix
import Testing

@Suite struct AddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1:8080", true), ("0.0.0.0:0", "0.0.0.0:0", false),
        ("localhost:80", "127.0.0.1:80", true), ("[::1]:65535", "[::1]:65535", true),
        ("[0:0:0:0:0:0:0:1]:1", "[::1]:1", true), ("[::]:1", "[::]:1", false), ("[FE80::1]:1", "[fe80::1]:1", false),
        ("unix:/run/x.sock", "unix:/run/x.sock", true), ("unix:x:1", "unix:x:1", true),
    ]) func parses(_ text: String, _ description: String, _ isLoopback: Bool) throws {
        let address = try Address(text)
        #expect(address.description == description)
        #expect(address.isLoopback == isLoopback)
        #expect(try Address(address.description) == address)
    }

    @Test(arguments: [
        ("", AddressError.noPort("")), ("localhost", .noPort("localhost")), ("[::1]", .noPort("[::1]")),
        ("127.0.0.1:", .badPort("")), ("127.0.0.1:65536", .badPort("65536")), ("127.0.0.1:-1", .badPort("-1")),
        ("127.0.0.1:+1", .badPort("+1")), ("127.0.0.1:8a", .badPort("8a")), ("127.0.0.256:1", .badHost("127.0.0.256")),
        (":80", .badHost("")), ("example.org:80", .badHost("example.org")), ("::1:80", .badHost("::1")),
        ("[127.0.0.1]:80", .badHost("[127.0.0.1]")), ("[::g]:80", .badHost("[::g]")), ("unix:", .emptyPath),
    ]) func refuses(_ text: String, _ error: AddressError) {
        #expect(throws: error) { try Address(text) }
    }

    @Test func refusesLongPaths() {
        let path = String(repeating: "x", count: Address.unixPathLimit + 1)
        #expect(throws: AddressError.pathTooLong(path, limit: 107)) { try Address("unix:" + path) }
        #expect(throws: Never.self) { try Address("unix:" + path.dropLast()) }
    }
}
