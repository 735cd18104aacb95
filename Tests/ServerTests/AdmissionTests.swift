import Basics
import Dispatch
import HTTP
import HTTPTypes
import Posix
import Server
import TestSupport
import Testing

/// Bodies are turned away on their head while disk or memory would run short.
@Suite struct AdmissionTests {
    private static let limits: Limits = {
        var limits = Limits()
        limits.memoryThreshold = 1_000
        limits.diskReserve = 10_000
        limits.memoryReserve = 10_000
        return limits
    }()
    private static let overhead = 1 << 20

    private static func ledger(disk: Int? = nil, memory: Int? = nil) -> AdmissionLedger {
        AdmissionLedger(limits, free: Resources(disk: disk, memory: memory))
    }

    @Test func asksForRoomOnTheDiskBeyondTheReserve() throws {
        // Sent to the spool, and stored.
        for (length, isKept, need) in [(5_000, false, 5_000), (5_000, true, 10_000), (800, true, 800)] {
            var enough = Self.ledger(disk: 10_000 + need)
            #expect(try enough.claim(.length(length), isKept: isKept).disk == need)
            var short = Self.ledger(disk: 10_000 + need - 1)
            #expect(throws: Refusal.diskFull) { try short.claim(.length(length), isKept: isKept) }
        }
    }

    /// A small body that is only looked at stays in memory: a full disk is nothing to it.
    @Test func letsSmallBodiesPastAFullDisk() throws {
        var ledger = Self.ledger(disk: 0)
        #expect(try ledger.claim(.length(1_000), isKept: false).disk == 0)
        #expect(throws: Refusal.diskFull) { try ledger.claim(.length(1_001), isKept: false) }
        #expect(throws: Refusal.diskFull) { try ledger.claim(.chunked, isKept: false) }
    }

    @Test func countsWhatOthersHaveSetAside() throws {
        var ledger = Self.ledger(disk: 10_000 + 6_000)
        let first = try ledger.claim(.length(4_000), isKept: false)
        #expect(throws: Refusal.busy(.disk)) { try ledger.claim(.length(4_000), isKept: false) }
        #expect(throws: Refusal.diskFull) { try ledger.claim(.length(7_000), isKept: false) }
        // It may have been stored: until a measurement that began after its end, nobody knows.
        let early = ledger.beginMeasurement()
        ledger.release(first)
        ledger.end(early, free: Resources(disk: 16_000, memory: nil))
        #expect(throws: Refusal.busy(.disk)) { try ledger.claim(.length(4_000), isKept: false) }
        let late = ledger.beginMeasurement()
        ledger.end(late, free: Resources(disk: 16_000, memory: nil))
        #expect(try ledger.claim(.length(4_000), isKept: false).disk == 4_000)
    }

    /// Nobody knows how long a body in chunks will be: it asks again as it comes.
    @Test func bodiesInChunksAskForRoomAsTheyCome() throws {
        let step = AdmissionLedger.step
        for (isKept, need) in [(false, step), (true, 2 * step)] {
            let first = isKept ? 2_000 : 1_000
            var ledger = Self.ledger(disk: 10_000 + first + need)
            let held = try ledger.claim(.chunked, isKept: isKept)
            let more = try ledger.extend(held, isKept: isKept)
            #expect(held.disk == first && more == AdmissionLedger.Claim(disk: need))
            // Alone, it has used up all there is.
            #expect(throws: Refusal.diskFull) { try ledger.extend(held + more, isKept: isKept) }
            ledger.release(held + more)
            let measurement = ledger.beginMeasurement()
            ledger.end(measurement, free: Resources(disk: 10_000 + first + need, memory: 0))
            // What it has is enough: memory it needs no more of.
            #expect(throws: Refusal.busy(.memory)) { try ledger.claim(.chunked, isKept: isKept) }
            #expect(try ledger.extend(held, isKept: isKept) == more)
        }
        var ledger = Self.ledger(disk: 10_000 + 2 * step - 1)
        _ = try ledger.claim(.length(step), isKept: false)
        #expect(throws: Refusal.busy(.disk)) { try ledger.extend(.init(disk: 1_000), isKept: false) }
    }

    @Test func asksForMemory() throws {
        var ledger = Self.ledger(memory: 10_000 + 2 * (Self.overhead + 4_000))
        let first = try ledger.claim(.length(1 << 30), isKept: true)
        #expect(first.memory == Self.overhead + 4_000)
        _ = try ledger.claim(.length(4_000), isKept: false)
        #expect(throws: Refusal.busy(.memory)) { try ledger.claim(.length(1), isKept: false) }
        ledger.release(first)
        #expect(try ledger.claim(.length(1), isKept: false).memory == Self.overhead + 1)
    }

    /// A data folder in memory (`--ephemeral`) has no more room than memory has, however large its file system says that it is.
    @Test func aDiskThatIsMemoryIsCountedAsMemory() throws {
        let free = Resources(disk: 1 << 40, memory: 10_000 + 2 * (Self.overhead + 20_000), diskIsMemory: true)
        #expect(free.disk == free.memory)
        var ledger = AdmissionLedger(Self.limits, free: free)
        #expect(throws: Refusal.diskFull) { try ledger.claim(.length(3 * Self.overhead), isKept: false) }
        let first = try ledger.claim(.length(8_000), isKept: true)
        #expect(first == AdmissionLedger.Claim(disk: 16_000, memory: Self.overhead + 4_000 + 16_000))
        let second = try ledger.claim(.length(8_000), isKept: true)
        #expect(throws: Refusal.busy(.memory)) { try ledger.claim(.length(1), isKept: false) }
        ledger.release(second)
        // What comes in chunks takes memory as well.
        let more = Resources(disk: 1 << 40, memory: 10_000 + AdmissionLedger.step + Self.overhead, diskIsMemory: true)
        var other = AdmissionLedger(Self.limits, free: more)
        #expect(try other.claim(.length(1), isKept: false) == AdmissionLedger.Claim(memory: Self.overhead + 1))
        #expect(throws: Refusal.busy(.memory)) { try other.extend(.init(), isKept: false) }
    }

    @Test(.enabled(if: DiskSpace.isMemory("/dev/shm"), "no tmpfs")) func knowsADiskThatIsMemory() {
        let free = Resources.now("/dev/shm")
        #expect(free.diskIsMemory && (free.disk ?? 0) <= free.memory ?? 0)
        #expect(!Resources.now("/proc").diskIsMemory)
    }

    /// Where the system does not say what is free, nobody is turned away for it.
    @Test func takesAllWhereNothingIsKnown() throws {
        var ledger = Self.ledger()
        for _ in 0..<1_000 { _ = try ledger.claim(.length(1 << 30), isKept: true) }
    }

    private static let upload = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n"

    @Test(arguments: [
        (Resources(disk: 0, memory: nil), 507), (Resources(disk: 1 << 40, memory: 0), 503),
        (Resources(disk: nil, memory: nil), 200),
    ])
    func refusesBeforeTheBodyIsSent(_ free: Resources, _ status: Int) throws {
        let server = try TestServer(resources: { free }, describe)
        let client = try server.client()
        try client.send(Self.upload + "Expect: 100-continue\r\n\r\n")
        if status == 200 {
            #expect(try client.response().status == 100)
            try client.send([UInt8](repeating: 1, count: 300_000))
        }
        let answer = try client.response()
        #expect(answer.status == status)
        #expect((answer.fields["retry-after"] != nil) == (status == 503))
        // What needs no room is answered all the same.
        let other = try server.client()
        try other.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try other.response().status == 200)
    }

    /// One that says nothing of its length is cut off where the room ends, and what it had goes back.
    @Test func bodiesInChunksEndWhereTheRoomDoes() throws {
        let free = Limits().diskReserve + 3 * AdmissionLedger.step
        let server = try TestServer(resources: { Resources(disk: free, memory: nil) }, describe)
        let piece = [UInt8](repeating: 1, count: 1 << 20)
        func upload(_ pieces: Int) throws -> LoopbackClient.Response {
            let client = try server.client()
            try client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<pieces {
                try client.send("100000\r\n")
                try client.send(piece)
                try client.send("\r\n")
            }
            try client.send("0\r\n\r\n")
            return try client.response()
        }
        #expect(try upload(16).text == "POST / file 16777216")
        // For a moment the room of the one before is not known to be free again.
        var status = 0
        _ = try TestServer.eventually {
            status = try upload(40).status
            return status != 503
        }
        #expect(status == 507)
        #expect(TestServer.eventually { server.spooled.isEmpty })
        #expect(try TestServer.eventually { try upload(16).status == 200 })
    }

    @Test func whatIsStoredNeedsRoomHoweverSmallItIs() throws {
        for (keepsBody, status) in [(true, 507), (false, 200)] {
            let server = try TestServer(
                keepsBody: keepsBody, resources: { Resources(disk: 1_000, memory: nil) }, describe)
            let client = try server.client()
            try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
            #expect(try client.response().status == status)
        }
    }

    /// What was measured before an idle time is not what anybody is judged by after it, to their harm or to the server's.
    @Test(arguments: [(0, 1 << 40), (1 << 40, 0)]) func measuresAgainAfterIdling(_ before: Int, _ after: Int) throws {
        let free = Lock(before)
        let gate = AdmissionGate(Self.limits) { Resources(disk: free.withLock { $0 }, memory: nil) }
        func outcome(_ disk: Int) -> Refusal? { disk == 0 ? .diskFull : nil }
        @Sendable func refusal(_ answer: AdmissionGate.Answer?) -> Refusal? {
            if case .failure(let refusal) = answer { refusal } else { nil }
        }
        let start = MonotonicTime.now
        let fresh = gate.claim(.length(5_000), isKept: true, now: start) { _ in Issue.record("it was known") }
        #expect(fresh != nil && refusal(fresh) == outcome(before))
        free.withLock { $0 = after }
        let answers = Lock<[Refusal?]>([])
        let answered = DispatchSemaphore(value: 0)
        for _ in 0..<3 {
            let stale = gate.claim(.length(5_000), isKept: true, now: start + .seconds(3_600)) { answer in
                answers.withLock { $0.append(refusal(answer)) }
                answered.signal()
            }
            #expect(stale == nil)
        }
        for _ in 0..<3 { answered.wait() }
        #expect(answers.withLock { $0 } == [Refusal?](repeating: outcome(after), count: 3))
    }

    /// Room that has come back is seen, and what a request has set aside goes with it.
    @Test func takesBodiesAgainWhenThereIsRoom() throws {
        let free = Lock(0)
        let server = try TestServer(resources: { Resources(disk: free.withLock { $0 }, memory: nil) }, describe)
        func upload() throws -> Int {
            let client = try server.client()
            try client.send(Self.upload + "Connection: close\r\n\r\n")
            try client.send([UInt8](repeating: 1, count: 300_000))
            return try client.response().status
        }
        #expect(try upload() == 507)
        // For one upload at a time.
        free.withLock { $0 = Limits().diskReserve + 400_000 }
        #expect(try TestServer.eventually { try upload() == 200 })
        #expect(try TestServer.eventually { try upload() == 200 })
    }
}
