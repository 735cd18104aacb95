import Adaptation
import Basics
import Foundation

/// Comma-separated values (RFC 4180) with a header.
enum CSV {
    static func results(_ rows: [ResultRow]) -> String {
        let header = ResultRow.CodingKeys.allCases.map(\.rawValue)
        return table(
            header,
            rows.map { row in
                ResultRow.CodingKeys.allCases.map { field($0, of: row) }
            })
    }

    private static func field(_ key: ResultRow.CodingKeys, of row: ResultRow) -> String {
        switch key {
        case .dataset: row.dataset
        case .label: row.label
        case .stem: row.stem
        case .object: row.object
        case .support: "\(row.support)"
        case .supportSeed: "\(row.supportSeed)"
        case .adapter: adapter(row.adapter, row.method)
        case .prompt: row.prompt.rawValue
        case .method: row.method.rawValue
        case .dice: number(row.dice)
        case .jaccard: number(row.jaccard)
        case .asd: number(row.asd)
        case .hd95: number(row.hd95)
        case .asdMillimetres: number(row.asdMillimetres)
        case .hd95Millimetres: number(row.hd95Millimetres)
        case .predictionArea: "\(row.predictionArea)"
        case .truthArea: "\(row.truthArea)"
        case .predictedIoU: number(row.predictedIoU)
        case .diceByClick: (row.diceByClick ?? []).map { number($0) }.joined(separator: ";")
        }
    }

    static func summary(_ summary: Summary) -> String {
        let measures = ["dice", "jaccard", "asd_px", "hd95_px", "asd_mm", "hd95_mm", "gain"]
        let header =
            [
                "dataset", "label", "adapter", "support", "prompt", "method", "datasets", "images", "targets",
                "measured",
                "measured_mm",
            ]
            + measures.flatMap { [$0, $0 + "_low", $0 + "_high"] }
        return table(
            header,
            summary.entries.map { entry in
                let group = entry.group
                let estimates = [
                    entry.dice, entry.jaccard, entry.asd, entry.hd95, entry.asdMillimetres, entry.hd95Millimetres,
                    entry.gain,
                ]
                return [
                    group.dataset, group.label, adapter(group.adapter, group.method), "\(group.support)",
                    group.prompt.rawValue, group.method.rawValue, "\(entry.datasets)", "\(entry.images)",
                    "\(entry.targets)", "\(entry.measured)", "\(entry.measuredMillimetres)",
                ] + estimates.flatMap { [number($0?.mean), number($0?.low), number($0?.high)] }
            })
    }

    private static func adapter(_ kind: AdapterKind?, _ method: Method) -> String {
        method == .model ? kind?.rawValue ?? "base" : ""
    }

    /// Six places, which no metric deserves; empty when there is no number.
    private static func number(_ value: Double?) -> String { value.map { String(format: "%.6f", $0) } ?? "" }

    private static func table(_ header: [String], _ rows: [[String]]) -> String {
        ([header] + rows).map { $0.map(\.csvField).joined(separator: ",") + "\r\n" }.joined()
    }
}
