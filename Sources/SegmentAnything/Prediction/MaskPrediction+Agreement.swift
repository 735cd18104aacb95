import Tensor

extension MaskPrediction {
    /// Which of several answers to one prompt the others agree with most: the one of the highest sum of Dice with them. Of equals one
    /// that shows something, and then the first.
    ///
    /// - Parameter answers: At least one, all on one part of the image and of one shape.
    package static func mostAgreedWith(_ answers: [MaskPrediction]) -> Int {
        precondition(!answers.isEmpty, "nothing to choose from")
        let masks = answers.map(\.shownMask)
        let areas = masks.map { mask in mask.count { $0 } }
        let rank = answers.indices.map { one in
            let agreement = answers.indices.filter { $0 != one }.reduce(0.0) { sum, other in
                let common = zip(masks[one], masks[other]).count { $0 && $1 }
                return sum + 2 * Double(common) / Double(max(areas[one] + areas[other], 1))
            }
            return (agreement, min(areas[one], 1), -one)
        }
        return answers.indices.max { rank[$0] < rank[$1] } ?? 0
    }

    /// Of each cell that shows the image whether it belongs to the mask, row-major.
    private var shownMask: [Bool] {
        let (side, shown) = (lowResolutionLogits.shape[1], shownCells)
        return lowResolutionLogits.withUnsafeElements { logits in
            (0..<shown.rows).flatMap { y in logits[y * side..<y * side + shown.columns].map { $0 > 0 } }
        }
    }
}
