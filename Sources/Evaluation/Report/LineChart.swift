import Foundation

/// A curve with intervals over a few places on the horizontal axis, as inline SVG.
struct LineChart {
    struct Point {
        /// Index into `places`.
        let place: Int
        let value: Double
        let low: Double?
        let high: Double?
    }

    struct Series {
        let colour: String
        let isDashed: Bool
        let points: [Point]
    }

    let places: [String]
    let series: [Series]
    let horizontalTitle: String

    private let frame = ChartFrame(width: 340, height: 220, left: 34, right: 10, top: 10, bottom: 34)

    /// Values are shares of 1; the axis runs over the tens of per cent that they need.
    var svg: String {
        let all = series.flatMap { $0.points.flatMap { [$0.value, $0.low, $0.high].compactMap(\.self) } }
        let range = ChartFrame.range(of: all)
        var parts = frame.horizontalGrid(range)
        for (index, place) in places.enumerated() {
            parts.append(frame.text(place, x: x(index), y: frame.height - frame.bottom + 15, anchor: "middle"))
        }
        parts.append(
            frame.text(
                horizontalTitle, x: (frame.left + frame.width - frame.right) / 2, y: frame.height - 3, anchor: "middle")
        )
        for one in series { parts += draw(one, range) }
        return frame.svg(parts)
    }

    private func x(_ place: Int) -> Double {
        let inner = frame.width - frame.left - frame.right - 24
        return frame.left + 12 + (places.count > 1 ? inner * Double(place) / Double(places.count - 1) : inner / 2)
    }

    private func draw(_ one: Series, _ range: ClosedRange<Double>) -> [String] {
        func at(_ point: Point, _ value: Double) -> String {
            ChartFrame.pair(x(point.place), frame.y(value, range))
        }
        var parts: [String] = []
        let banded = one.points.filter { $0.low != nil && $0.high != nil }
        if banded.count > 1 {
            let upper = banded.map { at($0, $0.high ?? $0.value) }
            let lower = banded.reversed().map { at($0, $0.low ?? $0.value) }
            let corners = (upper + lower).joined(separator: " ")
            parts.append("<polygon points=\"\(corners)\" fill=\"\(one.colour)\" opacity=\"0.14\"/>")
        }
        let line = one.points.map { at($0, $0.value) }.joined(separator: " ")
        let dash = one.isDashed ? " stroke-dasharray=\"4 3\"" : ""
        parts.append(
            "<polyline points=\"\(line)\" fill=\"none\" stroke=\"\(one.colour)\" stroke-width=\"2\"\(dash)/>")
        for point in one.points {
            let (cx, cy) = (ChartFrame.number(x(point.place)), ChartFrame.number(frame.y(point.value, range)))
            parts.append("<circle cx=\"\(cx)\" cy=\"\(cy)\" r=\"3\" fill=\"\(one.colour)\"/>")
        }
        return parts
    }
}
