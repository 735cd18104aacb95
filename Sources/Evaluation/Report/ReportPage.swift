/// The report as one HTML page that needs nothing else.
struct ReportPage {
    let findings: Findings
    let summary: Summary
    /// Worst, median and best answers, in the order in which they are shown.
    let pictures: [OverlayPicture]

    var html: String {
        let variants = ModelVariant.all(findings.rows)
        let datasets = findings.datasets.map(\.name).filter { name in findings.rows.contains { $0.dataset == name } }
        let prompts = findings.settings.prompts
        let tables = ReportTables(
            findings: findings, summary: summary, variants: variants, datasets: datasets, prompts: prompts)
        let charts = ReportCharts(
            findings: findings, summary: summary, variants: variants, datasets: datasets, prompts: prompts)
        var sections = [
            Markup.section("Over all datasets", Self.overallNote, tables.overall),
            Markup.section(
                "Dice by dataset",
                "Per cent, with the 95 % interval below; in colour where the model is above what needs none, on the same targets.",
                variants.map { variant in
                    "<details\(variant == .base ? " open" : "")><summary>\(Markup.escaped(variant.title))</summary>"
                        + tables.matrix(variant) + "</details>"
                }.joined(separator: "\n")),
        ]
        if charts.hasCurves {
            sections.append(
                Markup.section(
                    "Dice over support size",
                    "0 is the base model on the images that the adapters were tested on; bands are 95 % intervals.",
                    prompts.map { "<h3>\($0.rawValue)</h3>" + charts.curves($0) }.joined(separator: "\n")))
        }
        if prompts.contains(.corrected) {
            sections.append(
                Markup.section("Dice over clicks", "The first point and the corrections of 1+4.", charts.clicks))
        }
        sections.append(
            Markup.section(
                "Spread of Dice",
                "Boxes span the quartiles, the bar is the median, the dot the mean; whiskers go from the 5th to the 95th percentile.",
                prompts.enumerated().map { index, prompt in
                    "<details\(index == 0 ? " open" : "")><summary>\(prompt.rawValue)</summary>"
                        + charts.boxes(prompt) + "</details>"
                }.joined(separator: "\n")))
        if !pictures.isEmpty { sections.append(overlays) }
        sections.append(
            Markup.section(
                "All measures", "Distances are over the targets where neither mask is empty.",
                variants.flatMap { variant in
                    prompts.map { prompt in
                        "<details><summary>\(Markup.escaped(variant.title)), \(prompt.rawValue)</summary>"
                            + tables.detail(variant, prompt) + "</details>"
                    }
                }.joined(separator: "\n")))
        if !findings.omissions.isEmpty {
            sections.append(Markup.section("Left out", "Nothing here is part of any figure above.", tables.omissions))
        }
        sections.append(Markup.section("Definitions", "", Self.definitions))
        return page(sections.joined(separator: "\n"))
    }

    private func page(_ body: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Evaluation of \(Markup.escaped(findings.modelName))</title>
        <style>
        \(PageStyle.css)
        </style>
        </head>
        <body>
        <header>
        <h1>Evaluation of \(Markup.escaped(findings.modelName))</h1>
        \(header)
        </header>
        \(body)
        </body>
        </html>

        """
    }

    private var header: String {
        let images = Set(findings.rows.map { "\($0.dataset)/\($0.stem)" }).count
        let targets = Set(findings.rows.map { "\($0.dataset)/\($0.label)/\($0.stem)/\($0.object)" }).count
        let settings = findings.settings.fields.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value)" }.joined(separator: " · ")
        let facts = [
            ("data", "datasets \(Set(findings.rows.map(\.dataset)).count) · images \(images) · targets \(targets)"),
            ("weights", "SHA-256 \(findings.modelSHA256)"), ("settings", settings),
        ]
        let list = facts.map { "<dt>\($0)</dt><dd>\(Markup.escaped($1))</dd>" }.joined()
        var text = "<dl>\(list)</dl>"
        if !findings.isComplete {
            text +=
                "<p class=\"warning\">Not finished: \(findings.cellsDone) of \(findings.cellsPlanned) images done. "
                + "Means are over what is done.</p>"
        }
        if !findings.omissions.isEmpty {
            text +=
                "<p class=\"warning\">\(findings.omissions.count) things were left out; "
                + "they are listed at the end.</p>"
        }
        return text
    }

    private var overlays: String {
        var body = "<div class=\"overlays\">"
        var heading = ""
        for picture in pictures {
            let row = picture.row
            let variant = ModelVariant(adapter: row.adapter, support: row.support)
            let title = "\(row.dataset): \(row.prompt.rawValue), \(variant.title)"
            if title != heading { body += "<h3>\(Markup.escaped(title))</h3>" }
            heading = title
            body += picture.figure(
                "Dice \(Number.percent(row.dice)) <span class=\"soft\">\(Markup.escaped(row.stem)), "
                    + "label \(Markup.escaped(row.label))</span>")
        }
        return Markup.section(
            "Best, median, worst", "Orange: the answer. Green: the truth. Blue: the prompt.", body + "</div>")
    }

    private static let overallNote = """
        Dice and Jaccard in per cent: mean over the targets of a dataset, then over the datasets; below it the 95 % interval \
        over patients (images, where none are named) of the same datasets. The reference of an adapter is the base \
        model; that of the base model is its prompt as a mask: the ellipse inscribed in the box, a disc at the point, the \
        whole image.
        """

    private static let definitions = """
        <dl>
        <dt>Dice, Jaccard</dt><dd>2|P∩G| / (|P|+|G|) and |P∩G| / |P∪G|; both empty 1, one empty 0.</dd>
        <dt>ASD, HD95</dt><dd>Mean and 95th percentile of the distances from every surface pixel of each mask to the nearest \
        of the other, both directions together. A surface pixel has one of its four neighbours outside.</dd>
        <dt>target</dt><dd>One label (or object) in one image, at its own resolution, of at least the pixels set.</dd>
        <dt>box</dt><dd>The extent, each edge moved at random by up to 10 % of the side that it bounds; exact-box: not moved.</dd>
        <dt>1-point, 3-points</dt><dd>Pixels of the object, each drawn from all; centre-point: its deepest pixel.</dd>
        <dt>1+4</dt><dd>The point of 1-point, then four clicks, each at the deepest pixel of the largest error region of the \
        answer before, and asked together with all clicks before it.</dd>
        <dt>ellipse, filled box</dt><dd>The ellipse inscribed in the same box, and the box itself.</dd>
        <dt>disc</dt><dd>Around the same point, its radius an eighth of the image's shorter side.</dd>
        <dt>mask grid at best</dt><dd>The truth averaged over the cells of the model's mask grid, enlarged and compared as every \
        answer is.</dd>
        </dl>
        """
}
