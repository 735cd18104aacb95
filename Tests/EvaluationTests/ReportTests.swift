import Adaptation
import Evaluation
import Foundation
import TestSupport
import Testing

struct ReportTests {
    /// A finished run with a name that HTML and CSV must quote, and a file that was left out.
    private func report() throws -> (folder: TemporaryDirectory, report: Report, findings: Findings) {
        let maker = try DatasetMaker()
        try maker.discs("a <b>, \"c\" & d", count: 7)
        try maker.discs("plain", count: 7)
        try maker.write([1, 2, 3], "plain/images/odd.png")
        var settings = quickSettings()
        settings.supportSizes = [0, 1, 2]
        let run = try Evaluation(
            model: tinyModel, scan: try maker.scan(), settings: settings, output: maker.folder.file("results"))
        try run.run()
        let report = Report(run.findings())
        try report.write(to: maker.folder.file("results"), pictures: run.overlays(of: report.picturedRows))
        return (maker.folder, report, run.findings())
    }

    @Test func writesAllFiles() throws {
        let (folder, report, findings) = try self.report()
        let html = try String(contentsOfFile: folder.file("results/report.html"), encoding: .utf8)
        // Self-contained: nothing is loaded from anywhere, and nothing runs.
        for foreign in ["http:", "https:", "<script", "<link", "@import", "url("] { #expect(!html.contains(foreign)) }
        #expect(!html.contains("a <b>"))
        #expect(html.contains("a &lt;b&gt;, &quot;c&quot; &amp; d"))
        #expect(html.contains("there is no mask with this stem"))
        // Worst, median and best, of two datasets, by the base and by the largest adapters.
        #expect(html.components(separatedBy: "data:image/png;base64,").count - 1 == 12)
        #expect(html.contains("<polyline") && html.contains("<rect"))
        #expect(!html.contains("nan") && !html.contains("inf "))

        let results = try String(contentsOfFile: folder.file("results/results.csv"), encoding: .utf8)
        #expect(results.components(separatedBy: "\r\n").count == findings.rows.count + 2)
        #expect(results.contains("\"a <b>, \"\"c\"\" & d\",1,"))
        let summary = try String(contentsOfFile: folder.file("results/summary.csv"), encoding: .utf8)
        #expect(summary.components(separatedBy: "\r\n").count == report.summary.entries.count + 2)

        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: folder.file("results/summary.json"))))
                as? [String: Any])
        #expect((json["entries"] as? [Any])?.count == report.summary.entries.count)
        #expect((json["omissions"] as? [Any])?.count == findings.omissions.count)
    }

    @Test func meansAreThoseOfTheRows() throws {
        let (_, report, findings) = try self.report()
        let group = Summary.Group(
            dataset: "plain", label: "1", adapter: nil, support: 0, prompt: .box, method: .model)
        let rows = findings.rows.filter {
            $0.dataset == "plain" && $0.label == "1" && $0.adapter == nil && $0.prompt == .box && $0.method == .model
        }
        let entry = try #require(report.summary[group])
        #expect(entry.targets == rows.count && entry.images == rows.count)
        let meanDice = rows.map(\.dice).reduce(0, +) / Double(rows.count)
        #expect(abs(entry.dice.mean - meanDice) < 1e-12)
        let (low, high) = (try #require(entry.dice.low), try #require(entry.dice.high))
        #expect(low <= entry.dice.mean && entry.dice.mean <= high)

        // The gain of an adapter is over the base model on the very same images.
        let adapted = findings.rows.filter {
            $0.dataset == "plain" && $0.label == "1" && $0.support == 2 && $0.prompt == .box
        }
        let base = Dictionary(uniqueKeysWithValues: rows.map { ($0.stem, $0.dice) })
        let gains: [Double] = adapted.map { $0.dice - (base[$0.stem] ?? .nan) }
        let meanGain = gains.reduce(0, +) / Double(gains.count)
        let trained = try #require(
            report.summary[
                Summary.Group(
                    dataset: "plain", label: "1", adapter: .decoder, support: 2, prompt: .box, method: .model)])
        #expect(abs(try #require(trained.gain?.mean) - meanGain) < 1e-12)
    }

    /// Slices of one patient stand or fall together, and support seeds ask for the same targets again.
    @Test func intervalsAndCountsAreOfPatientsAndTargets() throws {
        let maker = try DatasetMaker()
        try maker.discs("discs", count: 10)
        var settings = quickSettings([.box])
        (settings.supportSizes, settings.supportSeeds, settings.labels) = ([0, 2], 2, .only([1]))
        func report(_ pattern: String?) throws -> (findings: Findings, summary: Summary) {
            settings.patientPattern = pattern
            let run = try Evaluation(
                model: tinyModel, scan: try maker.scan(), settings: settings,
                output: maker.folder.file("results/\(pattern == nil)"))
            try run.run()
            return (run.findings(), Report(run.findings()).summary)
        }
        func group(_ support: Int) -> Summary.Group {
            Summary.Group(
                dataset: "discs", label: "1", adapter: support > 0 ? .decoder : nil, support: support, prompt: .box,
                method: .model)
        }
        let (findings, summary) = try report("^(case[0-9]+)-")
        let rows = findings.rows.filter { $0.method == .model }
        let base = rows.filter { $0.support == 0 }
        let estimate = Estimate(
            base.map { Sample(dataset: $0.dataset, patient: String($0.stem.prefix { $0 != "-" }), value: $0.dice) },
            within: 0...1)
        #expect(summary[group(0)]?.dice == estimate)
        let byImage = try #require(try report(nil).summary[group(0)]?.dice)
        #expect(abs(byImage.mean - (estimate?.mean ?? 9)) < 1e-12 && byImage.low != estimate?.low)

        let adapted = rows.filter { $0.support == 2 }
        let entry = try #require(summary[group(2)])
        #expect(entry.targets == Set(adapted.map(\.stem)).count && entry.targets < adapted.count)
        #expect(entry.measured <= entry.targets)
    }

    /// A scalar that joins what follows to one character hides no bracket.
    @Test func namesCannotBecomeMarkup() throws {
        let maker = try DatasetMaker()
        try maker.discs("\u{600}<img src=x>", count: 2)
        let run = try Evaluation(
            model: tinyModel, scan: try maker.scan(), settings: quickSettings([.box]),
            output: maker.folder.file("results"))
        try run.run()
        try Report(run.findings()).write(to: maker.folder.file("results"), pictures: [])
        let html = try String(contentsOfFile: maker.folder.file("results/report.html"), encoding: .utf8)
        #expect(html.range(of: "<img src=x", options: .literal) == nil)
        #expect(html.range(of: "\u{600}&lt;img src=x&gt;", options: .literal) != nil)
    }
}
