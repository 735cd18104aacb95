import Basics

/// What the requests under way may add to what their owners store and queue: the store knows of it when they have ended, and without it all
/// that come at once would pass the same check.
package final class QuotaLedger: Sendable {
    package struct Amount: Sendable, Equatable {
        package var jobs: Int
        package var bytes: Int

        package init(jobs: Int = 0, bytes: Int = 0) { (self.jobs, self.bytes) = (jobs, bytes) }
    }

    /// Counts until `end`, or until it goes.
    package final class Addition: Sendable {
        private let ledger: QuotaLedger
        private let owner: String
        private let amount: Amount
        private let isOpen = Lock(true)

        fileprivate init(_ ledger: QuotaLedger, _ owner: String, _ amount: Amount) {
            (self.ledger, self.owner, self.amount) = (ledger, owner, amount)
        }

        deinit { end() }

        /// The request has ended: the store has what came of it.
        package func end() {
            let isFirst = isOpen.withLock { isOpen in
                defer { isOpen = false }
                return isOpen
            }
            if isFirst { ledger.add(owner, .init(jobs: -amount.jobs, bytes: -amount.bytes)) }
        }
    }

    private let underWay = Lock<[String: Amount]>([:])

    package init() {}

    /// Counts a request of `owner`.
    ///
    /// - Returns: Also what those before it, which have not ended, may add.
    package func begin(_ owner: String, _ amount: Amount) -> (addition: Addition, earlier: Amount) {
        (Addition(self, owner, amount), add(owner, amount))
    }

    /// - Returns: What stood there before.
    @discardableResult
    private func add(_ owner: String, _ amount: Amount) -> Amount {
        underWay.withLock { underWay in
            let before = underWay[owner] ?? Amount()
            let after = Amount(jobs: before.jobs + amount.jobs, bytes: before.bytes + amount.bytes)
            underWay[owner] = after.jobs == 0 && after.bytes == 0 ? nil : after
            return before
        }
    }
}
