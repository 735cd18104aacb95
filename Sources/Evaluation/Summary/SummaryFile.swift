import Foundation

/// What `summary.json` holds.
struct SummaryFile: Encodable {
    let model: Model
    let settings: [String: String]
    let cellsDone: Int
    let cellsPlanned: Int
    let entries: [Summary.Entry]
    let omissions: [Omission]

    struct Model: Encodable {
        let name: String
        let sha256: String
    }

    enum CodingKeys: String, CodingKey {
        case model, settings
        case cellsDone = "cells_done"
        case cellsPlanned = "cells_planned"
        case entries, omissions
    }

    init(_ findings: Findings, _ summary: Summary) {
        model = Model(name: findings.modelName, sha256: findings.modelSHA256)
        settings = findings.settings.fields
        cellsDone = findings.cellsDone
        cellsPlanned = findings.cellsPlanned
        entries = summary.entries
        omissions = findings.omissions
    }

    var json: Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        guard let data = try? encoder.encode(self) else { preconditionFailure("a summary has only finite numbers") }
        return data
    }
}
