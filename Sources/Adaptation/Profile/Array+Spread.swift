extension Array {
    /// The same elements in another order: `count` from all over the array first, the others after them; as they are where there are
    /// no more. What is learnt from the first ones alone is so learnt from all patients of a set that was sent one after the other.
    package func spread(_ count: Int) -> [Element] {
        guard count > 0, count < self.count else { return self }
        let chosen = (0..<count).map { $0 * self.count / count }
        let others = Set(indices).subtracting(chosen).sorted()
        return (chosen + others).map { self[$0] }
    }
}
