import Foundation
import Imaging

/// What may stand beside the images of a dataset: `spacing.json` and `SOURCE.json`.
struct DatasetNotes: Sendable, Equatable {
    var modality = ""
    var labelNames: [UInt16: String] = [:]
    /// By stem.
    var spacings: [String: Spacing] = [:]

    /// The fields of `SOURCE.json` that a report shows; what else it holds is not looked at.
    private struct Source: Decodable {
        let modality: String?
        let labels: [String: String]?
    }

    /// One number for square pixels, or two; nil: something else.
    private struct Pair: Decodable {
        let values: [Double]?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            let found = (try? container.decode([Double].self)) ?? (try? container.decode(Double.self)).map { [$0, $0] }
            values = found?.count == 2 ? found : nil
        }
    }

    /// Reads both files of `folder`. One that is missing says nothing; one that cannot be used is an omission.
    static func read(_ folder: String, dataset: String) -> (notes: DatasetNotes, omissions: [Omission]) {
        var (notes, omissions) = (DatasetNotes(), [Omission]())
        func decode<Value: Decodable>(_ name: String, as type: Value.Type, form: String) -> Value? {
            let path = folder + "/" + name
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            guard let data = FileManager.default.contents(atPath: path),
                let value = try? JSONDecoder().decode(type, from: data)
            else {
                omissions.append(Omission(dataset: dataset, what: name, reason: "it is not JSON of the form \(form)"))
                return nil
            }
            return value
        }
        let source = decode("SOURCE.json", as: Source.self, form: #"{"modality": "…", "labels": {"1": "…"}}"#)
        notes.modality = source?.modality ?? ""
        for (label, name) in source?.labels ?? [:] { UInt16(label).map { notes.labelNames[$0] = name } }
        let spacings = decode("spacing.json", as: [String: Pair].self, form: #"{"stem": [x_mm, y_mm]}"#)
        for (stem, pair) in (spacings ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let values = pair.values, let spacing = Spacing(x: values[0], y: values[1]) else {
                let reason = "the spacing of \(stem) is not [x_mm, y_mm] of positive numbers, or one of them for both"
                omissions.append(Omission(dataset: dataset, what: "spacing.json", reason: reason))
                continue
            }
            notes.spacings[stem] = spacing
        }
        return (notes, omissions)
    }
}
