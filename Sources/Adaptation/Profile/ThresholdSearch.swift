/// Where similarities are cut to masks: log-odds alone leave small objects empty, as a token or pixel of them counts no more than one of
/// their wide surroundings.
package enum ThresholdSearch {
    /// Similarities on one image.
    package struct Map {
        package let values: [Float]
        /// Of each the share that is object.
        package let truth: [Float]
        /// How much each counts.
        package let weight: [Float]

        package init(values: [Float], truth: [Float], weight: [Float]) {
            self.values = values
            self.truth = truth
            self.weight = weight
        }

        /// Dice of what is above `threshold` with the truth's shares; 1 when there is neither.
        fileprivate func dice(above threshold: Float) -> Double {
            var (both, sum) = (0.0, 0.0)
            for index in values.indices {
                let object = Double(truth[index] * weight[index])
                sum += object
                guard values[index] - threshold > 0 else { continue }
                both += object
                sum += Double(weight[index])
            }
            return sum == 0 ? 1 : 2 * both / sum
        }
    }

    /// Steps in which thresholds are tried.
    private static let count = 128

    /// Less mean Dice than this is no difference between two cuts.
    private static let noise = 0.005

    /// The similarity above which masks have the best mean Dice; 0 without any map.
    ///
    /// - Parameter place: Of all cuts that are as good as the best, the one next to this is taken; nil: the lowest of the very best.
    package static func best(_ maps: [Map], near place: Float? = nil) -> Float {
        let values = maps.flatMap { map in zip(map.values, map.weight).filter { $0.1 >= 0.5 }.map(\.0) }.sorted()
        guard !values.isEmpty else { return 0 }
        // As many again within the highest part, where all of a small object is.
        let last = values.count - 1
        let top = last - last / count
        let even = (1..<count).map { $0 * last / count }
        let fine = (1..<count).map { top + $0 * (last - top) / count }
        let thresholds = (even + fine).map { values[$0] }
        let dice = thresholds.map { threshold in maps.reduce(0.0) { $0 + $1.dice(above: threshold) } }
        guard let best = dice.max() else { return 0 }
        let good = zip(thresholds, dice).filter { $0.1 >= best - (place == nil ? 0 : noise * Double(maps.count)) }.map(
            \.0)
        return (place.map { place in good.min { abs($0 - place) < abs($1 - place) } } ?? good.first) ?? 0
    }
}
