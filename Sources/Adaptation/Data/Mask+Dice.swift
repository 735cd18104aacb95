import Imaging

extension Mask {
    /// Dice with a mask of the same size, 0 to 1, by pixels; 1 when both are empty.
    func dice(_ other: Mask) -> Double {
        let total = area + other.area
        return total == 0 ? 1 : 2 * Double(intersectionCount(other)) / Double(total)
    }
}
