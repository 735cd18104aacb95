extension [Double] {
    /// Of values in ascending order, at least one: linear between the ranks around (count − 1) · share, as is NumPy's default.
    ///
    /// - Parameter share: From 0 to 1.
    package func quantile(_ share: Double) -> Double {
        let position = Double(count - 1) * share
        let rank = Int(position)
        let next = Swift.min(rank + 1, count - 1)
        return self[rank] + (self[next] - self[rank]) * (position - Double(rank))
    }
}
