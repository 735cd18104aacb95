import Basics
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
        census.whenEmpty { calls.withLock { $0 += 1 } }
        census.left(from: "a", isRefused: false)
        #expect(calls.withLock { $0 } == 0)
        census.left(isRefused: false)
        #expect(calls.withLock { $0 } == 1)
        census.whenEmpty { calls.withLock { $0 += 1 } }
        #expect(calls.withLock { $0 } == 2)
    }
}
