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
