import Foundation

/// The files that an evaluation leaves: rows, means, and a page to look at.
package struct Report {
    package let summary: Summary
    private let findings: Findings

    package init(_ findings: Findings) {
        self.findings = findings
        summary = Summary(findings)
    }

    /// The rows whose masks the page shows: worst, median and best of each dataset for the first prompt, by the base
    /// model and by the adapters of the first kind with the largest support set.
    package var picturedRows: [ResultRow] {
        guard let prompt = findings.settings.prompts.first else { return [] }
        let variants = ModelVariant.all(findings.rows)
        let largest = variants.last { $0.adapter != nil && $0.adapter == findings.settings.adapters.first }
        return [.base, largest].compactMap(\.self).flatMap { variant in
            let rows = findings.rows.filter {
                $0.method == .model && $0.prompt == prompt && $0.adapter == variant.adapter
                    && $0.support == variant.support
            }
            return OverlayPicture.choice(rows, datasets: findings.datasets.map(\.name))
        }
    }

    /// Writes `results.csv`, `summary.csv`, `summary.json` and `report.html` into `folder`, each whole or not at all.
    package func write(to folder: String, pictures: [OverlayPicture] = []) throws(EvaluationError) {
        let page = ReportPage(findings: findings, summary: summary, pictures: pictures)
        let files = [
            ("results.csv", Data(CSV.results(findings.rows).utf8)), ("summary.csv", Data(CSV.summary(summary).utf8)),
            ("summary.json", SummaryFile(findings, summary).json), ("report.html", Data(page.html.utf8)),
        ]
        for (name, data) in files {
            let path = folder + "/" + name
            do {
                try data.write(to: URL(filePath: path), options: .atomic)
            } catch {
                throw .unwritable(path: path, reason: error.localizedDescription)
            }
        }
    }
}
