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

    /// One machine has as many addresses of IPv6 as it likes, but they all begin alike.
    @Test(arguments: [
        ("192.0.2.1:1", "192.0.2.1" as String?), ("192.0.2.1:2", "192.0.2.1"), ("127.0.0.1:1", nil),
        ("unix:/run/x.sock", nil), ("[::1]:1", nil), ("[2001:db8:1:2:3:4:5:6]:1", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::7]:9", "2001:db8:1:2::/64"), ("[2001:db8:1:3::7]:9", "2001:db8:1:3::/64"),
        ("[fe80::1]:1", "fe80::/64"), ("[::ffff:192.0.2.1]:1", "192.0.2.1"), ("[::ffff:127.0.0.1]:1", nil),
    ]) func tellsMachinesApart(_ text: String, _ host: String?) throws {
        #expect(try Address(text).remoteHost == host)
    }

    @Test func refusesLongPaths() {
        let path = String(repeating: "x", count: Address.unixPathLimit + 1)
        #expect(throws: AddressError.pathTooLong(path, limit: 107)) { try Address("unix:" + path) }
        #expect(throws: Never.self) { try Address("unix:" + path.dropLast()) }
    }
}
