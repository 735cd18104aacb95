/// The largest difference between two arrays, relative to the largest magnitude of `expected` (at least `floor`).
package func relativeError(_ found: [Float], _ expected: [Float], floor: Float = 1e-6) -> Float {
    guard found.count == expected.count else { return .infinity }
    var (difference, magnitude): (Float, Float) = (0, floor)
    for (one, other) in zip(found, expected) {
        guard one.isFinite, other.isFinite else { return .infinity }
        difference = max(difference, abs(one - other))
        magnitude = max(magnitude, abs(other))
    }
    return difference / magnitude
}
