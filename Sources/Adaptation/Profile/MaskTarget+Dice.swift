extension MaskTarget {
    /// Dice of the mask that `logits` draw, `[side, side]`, over the cells that are image. 1 when both are empty.
    package func dice(_ logits: [Float]) -> Double {
        var (both, sum) = (0.0, 0.0)
        for cell in logits.indices {
            let (isDrawn, isTrue) = (logits[cell] > 0, truth[cell] >= 0.5)
            if isDrawn && isTrue { both += Double(weight[cell]) }
            if isDrawn { sum += Double(weight[cell]) }
            if isTrue { sum += Double(weight[cell]) }
        }
        return sum == 0 ? 1 : 2 * both / sum
    }

    /// Cells that the object touches, and their neighbours.
    var neighbourhood: [Bool] {
        truth.indices.map { cell in
            let (x, y) = (cell % side, cell / side)
            return (max(y - 1, 0)...min(y + 1, side - 1)).contains { row in
                (max(x - 1, 0)...min(x + 1, side - 1)).contains { truth[row * side + $0] > 0 }
            }
        }
    }
}
