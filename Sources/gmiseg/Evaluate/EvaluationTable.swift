import Adaptation
import Evaluation
import Foundation

/// The means over all datasets, for a terminal.
enum EvaluationTable {
    static func text(_ summary: Summary, _ findings: Findings) -> String {
        let header = ["prompt", "model", "Dice", "95 %", "ASD px", "HD95 px", "sets", "targets"]
        let rows = summary.entries.filter { $0.group.dataset == Summary.all }.map { entry in
            let group = entry.group
            let model =
                group.method == .model
                ? group.adapter.map { "\($0.rawValue) n=\(group.support)" } ?? "base model" : group.method.rawValue
            let interval =
                if let low = entry.dice.low, let high = entry.dice.high { "\(percent(low))-\(percent(high))" } else {
                    "-"
                }
            return [
                group.prompt.rawValue, model, percent(entry.dice.mean), interval, pixels(entry.asd?.mean),
                pixels(entry.hd95?.mean), "\(entry.datasets)", "\(entry.targets)",
            ]
        }
        let table = [header] + rows
        let widths = header.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        return table.map { row in
            row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column < 2 ? cell + space : space + cell
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    private static func percent(_ value: Double) -> String { String(format: "%.1f", 100 * value) }

    private static func pixels(_ value: Double?) -> String { value.map { String(format: "%.1f", $0) } ?? "-" }
}
