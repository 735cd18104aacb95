import Foundation

/// What one answer scored against the truth.
struct DemoScore {
    let dice: Double
    let jaccard: Double
    /// Millimetres; nil when the mask was empty, so that there is no surface to measure.
    let asd: Double?
}

/// Scores by prompt, before and after adaptation, and the table of their means.
struct DemoScores {
    enum Tier: String, CaseIterable { case base, adapted }

    private var scores: [String: [DemoScore]] = [:]

    mutating func add(_ score: DemoScore, prompt: DemoPrompt, tier: Tier) {
        scores["\(prompt)-\(tier)", default: []].append(score)
    }

    private func all(_ prompt: DemoPrompt, _ tier: Tier) -> [DemoScore] { scores["\(prompt)-\(tier)"] ?? [] }

    /// The table that the demo ends with: means over the queries, `before → after`.
    var table: String {
        var lines = ["prompt   Dice              Jaccard           ASD in mm"]
        for prompt in DemoPrompt.allCases {
            let (before, after) = (all(prompt, .base), all(prompt, .adapted))
            let dice = "\(Self.percent(before.map(\.dice))) → \(Self.percent(after.map(\.dice)))"
            let jaccard = "\(Self.percent(before.map(\.jaccard))) → \(Self.percent(after.map(\.jaccard)))"
            let asd = "\(Self.distance(before)) → \(Self.distance(after))"
            lines.append(Self.padded(prompt.rawValue, 9) + Self.padded(dice, 18) + Self.padded(jaccard, 18) + asd)
        }
        return lines.joined(separator: "\n")
    }

    private static func mean(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }

    private static func percent(_ values: [Double]) -> String { String(format: "%5.1f %%", mean(values) * 100) }

    /// The mean over the masks that have a surface; says how many have none, for leaving them out would flatter.
    private static func distance(_ scores: [DemoScore]) -> String {
        let found = scores.compactMap(\.asd)
        let missing = scores.count - found.count
        let text = found.isEmpty ? "–" : String(format: "%.1f", mean(found))
        return missing == 0 ? text : "\(text) (\(missing) of \(scores.count) empty)"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
