import Basics
import Glibc
import Posix
import Server
import Testing

@Suite struct CensusTests {
    @Test func oneHostCannotTakeAll() {
        let census = Census(limit: 10, limitPerHost: 3)
        for _ in 0..<3 { #expect(census.arrived(from: "192.0.2.1") == .welcome) }
        #expect(census.arrived(from: "192.0.2.1") == .ignored)
        // Others, and this machine's own, are as welcome as before.
        #expect(census.arrived(from: "192.0.2.2") == .welcome)
        for _ in 0..<6 { #expect(census.arrived() == .welcome) }
        #expect(census.arrived(from: "192.0.2.3") == .refused)
        census.left(from: "192.0.2.3", isRefused: true)
        census.left(from: "192.0.2.1", isRefused: false)
        #expect(census.arrived(from: "192.0.2.1") == .welcome)
        #expect(census.count == 10)
    }

    /// Whoever has a network of IPv6 does not get so many connections for each of its addresses.
    @Test func oneNetworkCannotTakeAll() throws {
        let census = Census(limit: 10, limitPerHost: 3)
        func arrival(_ address: String) throws -> Census.Admission {
            try census.arrived(from: Address("[\(address)]:80").remoteHost)
        }
        for address in ["2001:db8::1", "2001:db8::2", "2001:db8::3:4:5:6"] {
            #expect(try arrival(address) == .welcome)
        }
        #expect(try arrival("2001:db8::7") == .ignored)
        #expect(try arrival("2001:db8:0:1::7") == .welcome)
    }

    /// In a process of its own, which may have 400.
    @Test func fewDescriptorsMakeForFewConnections() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 100, rlim_max: 400)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            let server = try TestServer(describe)
            #expect(server.server.connectionLimit == 200)
        }
    }

    /// So many are told that there is no room; whoever comes beyond is not even told.
    @Test func refusesSoManyAtATime() {
        let census = Census(limit: 1, limitPerHost: 10)
        #expect(census.arrived() == .welcome)
        for _ in 0..<64 { #expect(census.arrived() == .refused) }
        #expect(census.arrived() == .ignored)
        census.left(isRefused: true)
        #expect(census.arrived() == .refused)
        #expect(census.arrived() == .ignored)
    }

    @Test func saysWhenAllHaveGone() {
        let census = Census(limit: 2, limitPerHost: 2)
        let calls = Lock(0)
        _ = census.arrived(from: "a")
        _ = census.arrived()
        // Everybody who asks is told, and once.
        for _ in 0..<2 { census.whenEmpty { calls.withLock { $0 += 1 } } }
        census.left(from: "a", isRefused: false)
        #expect(calls.withLock { $0 } == 0)
        census.left(isRefused: false)
        #expect(calls.withLock { $0 } == 2)
        census.whenEmpty { calls.withLock { $0 += 1 } }
        #expect(calls.withLock { $0 } == 3)
    }
}
