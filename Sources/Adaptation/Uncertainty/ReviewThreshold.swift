/// Below which agreement under jitter somebody should look at an answer again: learnt from answers whose truth is known.
package struct ReviewThreshold: Sendable, Equatable {
    /// An answer whose truth is known.
    package struct Pair: Sendable, Equatable {
        /// Mean Dice of the answers to prompts nearby with it.
        package let agreement: Double
        /// Dice with the truth.
        package let dice: Double

        package init(agreement: Double, dice: Double) {
            self.agreement = agreement
            self.dice = dice
        }
    }

    /// Agreement.
    package let value: Double
    /// Known answers that it rests on.
    package let count: Int

    /// For answers of which nothing is known.
    package static let uncalibrated = ReviewThreshold(value: 0.8, count: 0)
    /// An answer is poor when its Dice is this far below the usual one, or below `floor` at all.
    private static let drop = 0.1
    private static let floor = 0.5

    package init(value: Double, count: Int) {
        self.value = value
        self.count = count
    }

    /// The threshold that tells poor answers from good ones best: the mean of the shares of both that it gets right. When no
    /// answer is poor, whatever is shakier than all of them is looked at.
    package init(_ pairs: [Pair]) {
        guard !pairs.isEmpty else {
            self = .uncalibrated
            return
        }
        let usual = pairs.map(\.dice).sorted()[pairs.count / 2]
        let bar = max(usual - Self.drop, Self.floor)
        let (poor, good) = (pairs.filter { $0.dice < bar }, pairs.filter { $0.dice >= bar })
        count = pairs.count
        guard !poor.isEmpty else {
            value = good.map(\.agreement).min() ?? Self.uncalibrated.value
            return
        }
        guard !good.isEmpty else {
            // All are poor: none is to be trusted unseen.
            value = 1
            return
        }
        let agreements = pairs.map(\.agreement).sorted()
        let candidates = zip(agreements, agreements.dropFirst()).map { ($0 + $1) / 2 }
        func accuracy(_ threshold: Double) -> Double {
            Double(poor.count { $0.agreement < threshold }) / Double(poor.count)
                + Double(good.count { $0.agreement >= threshold }) / Double(good.count)
        }
        // The highest among equals: rather one look too many.
        value = candidates.max { (accuracy($0), $0) < (accuracy($1), $1) } ?? agreements[0]
    }
}
