import API
import Testing

@Suite struct QuotaLedgerTests {
    @Test func countsWhatHasNotEnded() {
        let ledger = QuotaLedger()
        let (first, none) = ledger.begin("ana", .init(jobs: 1, bytes: 10))
        #expect(none == .init())
        let (second, one) = ledger.begin("ana", .init(bytes: 5))
        #expect(one == .init(jobs: 1, bytes: 10))
        // Another owner's is another's.
        #expect(ledger.begin("ben", .init(jobs: 1)).earlier == .init())
        first.end()
        first.end()
        #expect(ledger.begin("ana", .init()).earlier == .init(bytes: 5))
        second.end()
        #expect(ledger.begin("ana", .init()).earlier == .init())
    }

    @Test func endsWithWhoeverHoldsIt() {
        let ledger = QuotaLedger()
        do {
            let (addition, _) = ledger.begin("ana", .init(jobs: 2))
            withExtendedLifetime(addition) { #expect(ledger.begin("ana", .init()).earlier == .init(jobs: 2)) }
        }
        #expect(ledger.begin("ana", .init()).earlier == .init())
    }
}
