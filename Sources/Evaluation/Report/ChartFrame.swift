import Foundation

/// The area of a chart, in the units of its own picture, and what every chart draws into it.
struct ChartFrame {
    let width: Double
    let height: Double
    let left: Double
    let right: Double
    let top: Double
    let bottom: Double

    /// The vertical place of `value`.
    func y(_ value: Double, _ range: ClosedRange<Double>) -> Double {
        let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        return height - bottom - share * (height - top - bottom)
    }

    /// The horizontal place of `value`.
    func x(_ value: Double, _ range: ClosedRange<Double>) -> Double {
        left + (value - range.lowerBound) / (range.upperBound - range.lowerBound) * (width - left - right)
    }

    /// Whole tens of per cent around shares of 1, at least twenty apart.
    static func range(of values: [Double]) -> ClosedRange<Double> {
        guard let least = values.min(), let most = values.max() else { return 0...1 }
        var low = (least * 10).rounded(.down) / 10
        let high = min(max((most * 10).rounded(.up) / 10, low + 0.2), 1)
        low = max(min(low, high - 0.2), 0)
        return low...max(high, low + 0.2)
    }

    /// Lines and labels at the tens of per cent of a vertical axis.
    func horizontalGrid(_ range: ClosedRange<Double>) -> [String] {
        Self.tens(range).flatMap { value in
            let place = Self.number(y(value, range))
            return [
                "<line class=\"grid\" x1=\"\(left)\" x2=\"\(width - right)\" y1=\"\(place)\" y2=\"\(place)\"/>",
                text(Self.label(value), x: left - 6, y: y(value, range) + 4, anchor: "end"),
            ]
        }
    }

    /// The same for a horizontal axis.
    func verticalGrid(_ range: ClosedRange<Double>) -> [String] {
        Self.tens(range).flatMap { value in
            let place = Self.number(x(value, range))
            return [
                "<line class=\"grid\" x1=\"\(place)\" x2=\"\(place)\" y1=\"\(top)\" y2=\"\(height - bottom)\"/>",
                text(Self.label(value), x: x(value, range), y: height - bottom + 15, anchor: "middle"),
            ]
        }
    }

    /// Every ten per cent, or every twenty where that would be crowded.
    private static func tens(_ range: ClosedRange<Double>) -> [Double] {
        let (low, high) = (Int((range.lowerBound * 10).rounded()), Int((range.upperBound * 10).rounded()))
        return stride(from: low, through: high, by: high - low > 5 ? 2 : 1).map { Double($0) / 10 }
    }

    private static func label(_ value: Double) -> String { "\(Int((value * 100).rounded()))" }

    func text(_ text: String, x: Double, y: Double, anchor: String, name: String = "") -> String {
        let style = name.isEmpty ? "" : " class=\"\(name)\""
        return "<text\(style) x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor)\">"
            + "\(Markup.escaped(text))</text>"
    }

    func svg(_ parts: [String]) -> String {
        "<svg viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\" role=\"img\">\(parts.joined(separator: "\n"))</svg>"
    }

    static func number(_ value: Double) -> String { String(format: "%.1f", value) }

    static func pair(_ x: Double, _ y: Double) -> String { "\(number(x)),\(number(y))" }
}
