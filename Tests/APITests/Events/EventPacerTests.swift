import API
import Posix
import Testing

@Suite struct EventPacerTests {
    private typealias Pacer = EventPacer<String>

    private static func at(_ milliseconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: (1_000_000 + milliseconds) * 1_000_000)
    }

    private static func event(_ id: Int, _ state: String = "", isLast: Bool = false) -> Pacer.Event {
        Pacer.Event(id: id, state: state, isLast: isLast)
    }

    /// The step in words.
    private static func step(_ pacer: inout Pacer, _ milliseconds: UInt64) -> String {
        switch pacer.next(at: at(milliseconds)) {
        case .send(let event): "send \(event.id) \(event.state)"
        case .keepAlive: "keep-alive"
        case .wait(let time): "wait \(time.nanoseconds / 1_000_000 - 1_000_000)"
        case .waitForClient: "wait for client"
        case .end: "end"
        }
    }

    @Test func mergesWhatComesTooFast() {
        var pacer = Pacer(lastSeen: nil, now: Self.at(0))
        pacer.changed(Self.event(1, "a"))
        #expect(Self.step(&pacer, 0) == "send 1 a")
        pacer.written()
        for id in 2...9 { pacer.changed(Self.event(id, "b\(id)")) }
        pacer.changed(Self.event(5, "late"))
        #expect(Self.step(&pacer, 10) == "wait 250")
        #expect(Self.step(&pacer, 249) == "wait 250")
        #expect(Self.step(&pacer, 250) == "send 9 b9")
    }

    @Test func waitsForASlowClient() {
        var pacer = Pacer(lastSeen: nil, now: Self.at(0))
        pacer.changed(Self.event(1, "a"))
        _ = Self.step(&pacer, 0)
        pacer.changed(Self.event(2, "b"))
        #expect(Self.step(&pacer, 60_000) == "wait for client")
        pacer.changed(Self.event(3, "c"))
        pacer.written()
        #expect(Self.step(&pacer, 60_001) == "send 3 c")
    }

    @Test func givesSignsOfLife() {
        var pacer = Pacer(lastSeen: nil, now: Self.at(0))
        #expect(Self.step(&pacer, 0) == "wait 15000")
        #expect(Self.step(&pacer, 15_000) == "keep-alive")
        pacer.written()
        #expect(Self.step(&pacer, 15_001) == "wait 30000")
        pacer.changed(Self.event(1, "a"))
        #expect(Self.step(&pacer, 15_002) == "send 1 a")
    }

    @Test func resumesBehindTheLastSeen() {
        var pacer = Pacer(lastSeen: 7, now: Self.at(0))
        pacer.changed(Self.event(7, "known"))
        #expect(Self.step(&pacer, 0) == "wait 15000")
        pacer.changed(Self.event(8, "new"))
        #expect(Self.step(&pacer, 1) == "send 8 new")
    }

    @Test func endsBehindTheLast() {
        var pacer = Pacer(lastSeen: nil, now: Self.at(0))
        pacer.changed(Self.event(4, "done", isLast: true))
        #expect(Self.step(&pacer, 0) == "send 4 done")
        #expect(Self.step(&pacer, 1) == "wait for client")
        pacer.written()
        #expect(Self.step(&pacer, 1) == "end")
    }
}
