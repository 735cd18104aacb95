import Adaptation

/// The charts of the report.
struct ReportCharts {
    let findings: Findings
    let summary: Summary
    let variants: [ModelVariant]
    let datasets: [String]
    let prompts: [PromptStyle]
    private let reference: ReferenceDice

    init(
        findings: Findings, summary: Summary, variants: [ModelVariant], datasets: [String], prompts: [PromptStyle]
    ) {
        self.findings = findings
        self.summary = summary
        self.variants = variants
        self.datasets = datasets
        self.prompts = prompts
        reference = ReferenceDice(findings.rows)
    }

    /// Support sizes with figures, without 0.
    private var sizes: [Int] { Set(variants.map(\.support)).subtracting([0]).sorted() }
    private var kinds: [AdapterKind] {
        AdapterKind.allCases.filter { kind in variants.contains { $0.adapter == kind } }
    }

    var hasCurves: Bool { !sizes.isEmpty }

    /// Dice over support size: one chart for each dataset, one for their mean.
    func curves(_ prompt: PromptStyle) -> String {
        // The mean is taken over the same datasets at every size, or the curve would compare other things.
        let whole = datasets.filter { dataset in
            variants.allSatisfy { summary[$0.group(dataset, prompt)] != nil }
        }
        var figures: [String] = []
        if whole.count > 1 {
            figures.append(figure("mean of \(whole.count) sets", curve { dice(whole, $0, $1, prompt) }))
        }
        figures += datasets.filter { dataset in
            variants.contains { $0 != .base && summary[$0.group(dataset, prompt)] != nil }
        }
        .map { dataset in figure(dataset, curve { dice([dataset], $0, $1, prompt) }) }
        let legend = kinds.enumerated().map { (PageStyle.series($0), $1.rawValue) }
        return Self.legend(legend) + "<div class=\"charts\">\(figures.joined(separator: "\n"))</div>"
    }

    /// Dice of a variant over some datasets. That of the base is over the targets that the adapters of `kind` were tested
    /// on, as often as they were, so that a curve starts from what its adapters started from.
    private func dice(_ datasets: [String], _ variant: ModelVariant, _ kind: AdapterKind, _ prompt: PromptStyle)
        -> Estimate?
    {
        let shown = variant == .base ? ModelVariant(adapter: kind, support: sizes[0]) : variant
        let rows = findings.rows.filter {
            $0.method == .model && $0.prompt == prompt && $0.adapter == shown.adapter && $0.support == shown.support
                && datasets.contains($0.dataset)
        }
        return Estimate(
            Sampler(findings.settings).samples(rows) { variant == .base ? reference.dice(for: $0) : $0.dice },
            within: Measure.dice.range)
    }

    private func curve(_ value: (ModelVariant, AdapterKind) -> Estimate?) -> String {
        let places = [0] + sizes
        let series = kinds.enumerated().map { index, kind in
            let points = places.enumerated().compactMap { place, size in
                value(size == 0 ? .base : ModelVariant(adapter: kind, support: size), kind).map {
                    LineChart.Point(place: place, value: $0.mean, low: $0.low, high: $0.high)
                }
            }
            return LineChart.Series(colour: PageStyle.series(index), isDashed: false, points: points)
        }
        return LineChart(places: places.map(String.init), series: series, horizontalTitle: "support images").svg
    }

    /// Dice over the clicks of `1+4`, over all datasets.
    var clicks: String {
        let shown = variants.compactMap { variant in
            summary[variant.group(Summary.all, .corrected)]?.diceByClick.map { (variant, $0) }
        }
        let series = shown.enumerated().map { index, one in
            LineChart.Series(
                colour: PageStyle.series(index), isDashed: index >= PageStyle.seriesCount,
                points: one.1.enumerated().map { LineChart.Point(place: $0, value: $1, low: nil, high: nil) })
        }
        let chart = LineChart(
            places: (1...Correction.count + 1).map(String.init), series: series, horizontalTitle: "clicks")
        let legend = shown.enumerated().map { (PageStyle.series($0), $1.0.title) }
        return Self.legend(legend) + "<div class=\"charts\">\(figure("mean of all sets", chart.svg))</div>"
    }

    /// How Dice is spread in each dataset: the base model, its best adapters, and the prompt as a mask.
    func boxes(_ prompt: PromptStyle) -> String {
        var kindsOfBox: [(title: String, contains: (ResultRow) -> Bool)] = [
            ("base model", { $0.method == .model && $0.adapter == nil })
        ]
        if let size = sizes.last {
            kindsOfBox += kinds.map { kind in
                ("\(kind.rawValue), n = \(size)", { $0.adapter == kind && $0.support == size })
            }
        }
        if let baseline = Method.baselines(of: prompt).first, baseline != .gridLimit {
            kindsOfBox.append((baseline.title, { $0.method == baseline }))
        }
        let rows = findings.rows.filter { $0.prompt == prompt }
        kindsOfBox.removeAll { kind in !rows.contains(where: kind.contains) }
        let lines = datasets.map { dataset in
            let own = rows.filter { $0.dataset == dataset }
            let boxes = kindsOfBox.enumerated().compactMap { index, kind -> BoxPlot.Box? in
                let values = own.filter(kind.contains).map(\.dice)
                return values.isEmpty ? nil : BoxPlot.Box(colour: PageStyle.series(index), values: values)
            }
            return BoxPlot.Line(name: dataset, boxes: boxes)
        }
        let legend = kindsOfBox.enumerated().map { (PageStyle.series($0), $1.title) }
        return Self.legend(legend)
            + BoxPlot(lines: lines.filter { !$0.boxes.isEmpty }).svg
    }

    private func figure(_ title: String, _ body: String) -> String {
        "<figure><figcaption><b>\(Markup.escaped(title))</b></figcaption>\(body)</figure>"
    }

    private static func legend(_ entries: [(colour: String, title: String)]) -> String {
        let items = entries.map { "<span><i style=\"background:\($0.colour)\"></i>\(Markup.escaped($0.title))</span>" }
        return "<div class=\"legend\">\(items.joined())</div>"
    }
}
