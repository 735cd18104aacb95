import Basics

/// Distributions side by side, one line for each name, as inline SVG.
struct BoxPlot {
    struct Box {
        let colour: String
        /// Not empty.
        let values: [Double]
    }

    struct Line {
        let name: String
        /// Drawn one below the other.
        let boxes: [Box]
    }

    let lines: [Line]

    private static let boxHeight = 9.0
    private static let gap = 9.0

    /// Each box spans the quartiles, with a bar at the median, a dot at the mean, and whiskers from the 5th to the 95th
    /// percentile; the axis is 0 to 100 %.
    var svg: String {
        let heights = lines.map { Double($0.boxes.count) * (Self.boxHeight + 2) + Self.gap }
        let frame = ChartFrame(
            width: 1000, height: heights.reduce(0, +) + 32, left: 160, right: 16, top: 6, bottom: 24)
        var parts = frame.verticalGrid(0...1)
        var top = frame.top
        for (line, height) in zip(lines, heights) {
            let middle = top + (height - Self.gap) / 2
            parts.append(frame.text(line.name, x: frame.left - 10, y: middle + 4, anchor: "end", name: "name"))
            for (index, box) in line.boxes.enumerated() {
                parts += draw(box, top: top + Double(index) * (Self.boxHeight + 2), frame)
            }
            top += height
        }
        return frame.svg(parts)
    }

    private func draw(_ box: Box, top: Double, _ frame: ChartFrame) -> [String] {
        let sorted = box.values.sorted()
        func x(_ percent: Double) -> String {
            ChartFrame.number(frame.x(sorted.quantile(percent / 100), 0...1))
        }
        let mean = ChartFrame.number(frame.x(sorted.reduce(0, +) / Double(sorted.count), 0...1))
        let width = frame.x(sorted.quantile(0.75), 0...1) - frame.x(sorted.quantile(0.25), 0...1)
        let middle = ChartFrame.number(top + Self.boxHeight / 2)
        let (upper, lower) = (ChartFrame.number(top), ChartFrame.number(top + Self.boxHeight))
        return [
            "<line x1=\"\(x(5))\" x2=\"\(x(95))\" y1=\"\(middle)\" y2=\"\(middle)\" stroke=\"\(box.colour)\"/>",
            "<rect x=\"\(x(25))\" y=\"\(upper)\" width=\"\(ChartFrame.number(max(width, 1)))\" height=\"\(Self.boxHeight)\""
                + " fill=\"\(box.colour)\" fill-opacity=\"0.28\" stroke=\"\(box.colour)\"/>",
            "<line x1=\"\(x(50))\" x2=\"\(x(50))\" y1=\"\(upper)\" y2=\"\(lower)\" stroke=\"\(box.colour)\""
                + " stroke-width=\"2.5\"/>",
            "<circle cx=\"\(mean)\" cy=\"\(middle)\" r=\"2.4\" fill=\"\(box.colour)\"/>",
        ]
    }
}
