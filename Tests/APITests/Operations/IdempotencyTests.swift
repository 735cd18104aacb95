import API
import HTTPTypes
import Posix
import Server
import Testing

@Suite struct IdempotencyTests {
    private static func at(_ seconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: (1_000 + seconds) * 1_000_000_000)
    }

    private static func word(_ decision: Idempotency.Decision) -> String {
        switch decision {
        case .perform: "perform"
        case .replay(let response): "replay \(response.status.code)"
        case .mismatch: "mismatch"
        case .underWay: "under way"
        }
    }

    private static func key(_ text: String, _ owner: String? = nil, seesAll: Bool = false) -> Idempotency.Key {
        .init(owner: owner, seesAll: seesAll, text: text)
    }

    @Test func doesEachRequestOnce() {
        var table = Idempotency()
        #expect(Self.word(table.begin(Self.key("k"), fingerprint: "a", at: Self.at(0))) == "perform")
        #expect(Self.word(table.begin(Self.key("k"), fingerprint: "a", at: Self.at(1))) == "under way")
        #expect(Self.word(table.begin(Self.key("k"), fingerprint: "b", at: Self.at(1))) == "mismatch")
        table.finish(Self.key("k"), Response(.created), at: Self.at(2))
        #expect(Self.word(table.begin(Self.key("k"), fingerprint: "a", at: Self.at(3))) == "replay 201")
        #expect(Self.word(table.begin(Self.key("k"), fingerprint: "b", at: Self.at(3))) == "mismatch")
        // Another owner's key of the same text is another key.
        #expect(Self.word(table.begin(Self.key("k", "ben"), fingerprint: "b", at: Self.at(3))) == "perform")
        // So is that of another of the owner's tokens, who sees more or less: the answer may tell of others' tasks.
        #expect(
            Self.word(table.begin(Self.key("k", seesAll: true), fingerprint: "a", at: Self.at(3))) == "perform")
    }

    @Test func failuresAreTriedAnew() {
        var table = Idempotency()
        _ = table.begin(Self.key("k"), fingerprint: "a", at: Self.at(0))
        table.finish(Self.key("k"), nil, at: Self.at(1))
        #expect(Self.word(table.begin(Self.key("k"), fingerprint: "b", at: Self.at(2))) == "perform")
    }

    @Test func forgetsAfterADay() {
        var table = Idempotency()
        _ = table.begin(Self.key("k"), fingerprint: "a", at: Self.at(0))
        table.finish(Self.key("k"), Response(.ok), at: Self.at(0))
        #expect(Self.word(table.begin(Self.key("k"), fingerprint: "a", at: Self.at(86_399))) == "replay 200")
        #expect(Self.word(table.begin(Self.key("k"), fingerprint: "b", at: Self.at(86_400))) == "perform")
    }

    /// What was deleted must not be told of by a kept answer: neither to its owner nor to those who see what is theirs.
    @Test(arguments: [("ana", ["ben"]), ("ben", ["ana"]), (nil, [])] as [(String?, [String])])
    func forgetsWhatMayTellOfADeletion(_ owner: String?, _ kept: [String]) {
        var table = Idempotency()
        func key(_ name: String) -> Idempotency.Key { Self.key("k", name, seesAll: name == "root") }
        for name in ["ana", "ben", "root"] {
            _ = table.begin(key(name), fingerprint: "a", at: Self.at(0))
            table.finish(key(name), Response(.ok), at: Self.at(0))
        }
        table.forget(owner: owner)
        for name in ["ana", "ben", "root"] {
            let word = Self.word(table.begin(key(name), fingerprint: "a", at: Self.at(1)))
            #expect(word == (kept.contains(name) ? "replay 200" : "perform"), "\(name)")
        }
    }

    /// An answer that was being made when something was deleted may have seen it.
    @Test func doesNotKeepWhatWasUnderWayAtADeletion() {
        var table = Idempotency()
        for name in ["ana", "ben"] { _ = table.begin(Self.key("k", name), fingerprint: "a", at: Self.at(0)) }
        table.forget(owner: "ana")
        #expect(Self.word(table.begin(Self.key("k", "ana"), fingerprint: "a", at: Self.at(1))) == "under way")
        for name in ["ana", "ben"] { table.finish(Self.key("k", name), Response(.ok), at: Self.at(2)) }
        #expect(Self.word(table.begin(Self.key("k", "ana"), fingerprint: "a", at: Self.at(3))) == "perform")
        #expect(Self.word(table.begin(Self.key("k", "ben"), fingerprint: "a", at: Self.at(3))) == "replay 200")
        // The request that came again is a new one: the deletion was before it.
        table.finish(Self.key("k", "ana"), Response(.ok), at: Self.at(4))
        #expect(Self.word(table.begin(Self.key("k", "ana"), fingerprint: "a", at: Self.at(5))) == "replay 200")
    }

    /// Many keys come and go, and some answers are forgotten on the way: the others stay, in their order.
    @Test func keepsTheLatest() {
        var table = Idempotency(byteCapacity: 20 * 1_512)
        for index in 0..<500 {
            let key = Self.key("\(index)", index % 3 == 0 ? "ana" : nil)
            _ = table.begin(key, fingerprint: "a", at: Self.at(UInt64(index)))
            table.finish(
                key, Response(body: .bytes([UInt8](repeating: 0, count: 1_000))), at: Self.at(UInt64(index)))
            if index == 490 { table.forget(owner: "ana") }
        }
        // Twenty have room; of those until 490 ana's are gone, and those after it fit beside the rest.
        let kept = (470..<500).filter { index in
            let key = Self.key("\(index)", index % 3 == 0 ? "ana" : nil)
            return Self.word(table.begin(key, fingerprint: "b", at: Self.at(499))) == "mismatch"
        }
        #expect(kept.filter { $0 > 490 } == Array(491..<500))
        #expect(kept.filter { $0 <= 490 } == (471...490).filter { $0 % 3 != 0 }.suffix(11))
    }

    @Test func keepsToItsMemory() {
        var table = Idempotency(byteCapacity: 10_000)
        func put(_ text: String, _ count: Int, _ time: UInt64) {
            _ = table.begin(Self.key(text), fingerprint: "a", at: Self.at(time))
            table.finish(
                Self.key(text), Response(body: .bytes([UInt8](repeating: 0, count: count))), at: Self.at(time))
        }
        put("huge", 20_000, 0)
        #expect(Self.word(table.begin(Self.key("huge"), fingerprint: "a", at: Self.at(1))) == "perform")
        put("first", 4_000, 2)
        put("second", 4_000, 3)
        put("third", 4_000, 4)
        #expect(Self.word(table.begin(Self.key("first"), fingerprint: "a", at: Self.at(5))) == "perform")
        #expect(Self.word(table.begin(Self.key("third"), fingerprint: "a", at: Self.at(5))) == "replay 200")
        table.forget(owner: nil)
        #expect(Self.word(table.begin(Self.key("third"), fingerprint: "x", at: Self.at(6))) == "perform")
    }
}
