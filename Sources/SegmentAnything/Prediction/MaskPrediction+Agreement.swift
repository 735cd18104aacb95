import Tensor

extension MaskPrediction {
    /// Which of several answers to one prompt the others agree with most: the one of the highest sum of Dice with them, of equals the first.
    ///
    /// - Parameter answers: At least one, all of one shape.
    package static func mostAgreedWith(_ answers: [MaskPrediction]) -> Int {
        precondition(!answers.isEmpty, "nothing to choose from")
        let areas = answers.map { answer in answer.lowResolutionLogits.elements.count { $0 > 0 } }
        var agreement = [Double](repeating: 0, count: answers.count)
        for one in answers.indices {
            for other in answers.indices.dropFirst(one + 1) {
                let dice = overlap(answers[one], answers[other], sum: areas[one] + areas[other])
                agreement[one] += dice
                agreement[other] += dice
            }
        }
        return agreement.indices.max { agreement[$0] < agreement[$1] || (agreement[$0] == agreement[$1] && $0 > $1) }
            ?? 0
    }

    /// Dice of two masks in the cells of their logits; 0 of two empty ones, which agree on nothing.
    private static func overlap(_ one: MaskPrediction, _ other: MaskPrediction, sum: Int) -> Double {
        guard sum > 0 else { return 0 }
        let common = one.lowResolutionLogits.withUnsafeElements { one in
            other.lowResolutionLogits.withUnsafeElements { other in one.indices.count { one[$0] > 0 && other[$0] > 0 } }
        }
        return 2 * Double(common) / Double(sum)
    }
}
