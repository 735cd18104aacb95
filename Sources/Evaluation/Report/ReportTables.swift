/// The tables of the report.
struct ReportTables {
    let findings: Findings
    let summary: Summary
    let variants: [ModelVariant]
    /// With rows.
    let datasets: [String]
    let prompts: [PromptStyle]

    /// Every prompt and model over all datasets, with what needs no model beside it.
    var overall: String {
        let baselines = Method.allCases.filter { method in
            method != .model
                && prompts.contains { summary[.baseline(method, Summary.all, $0)] != nil }
        }
        let header =
            ["prompt", "model", "Dice", "Jaccard", "ASD px", "HD95 px", "Dice above reference", "sets above"]
            + baselines.map { Markup.escaped($0.title) }
        var rows: [[String]] = []
        for prompt in prompts {
            for variant in variants {
                guard let entry = summary[variant.group(Summary.all, prompt)] else { continue }
                let gains = datasets.compactMap { summary[variant.group($0, prompt)]?.gain?.mean }
                let beside = baselines.map { method in
                    Number.percent(summary[.baseline(method, Summary.all, prompt)]?.dice.mean)
                }
                rows.append(
                    [
                        prompt.rawValue, Markup.escaped(variant.title), Number.percent(entry.dice),
                        Number.percent(entry.jaccard), Number.distance(entry.asd), Number.distance(entry.hd95),
                        Number.percent(entry.gain, signed: true),
                        gains.isEmpty ? "–" : "\(gains.count { $0 > 0 }) of \(gains.count)",
                    ] + (variant == .base ? beside : beside.map { _ in "" }))
            }
        }
        return Markup.table(header, rows)
    }

    /// Dice of one model: datasets by prompts, each beside its reference without a model.
    func matrix(_ variant: ModelVariant) -> String {
        let references = prompts.map { prompt -> Method? in
            guard let method = Method.baselines(of: prompt).first, method != .gridLimit,
                summary[.baseline(method, Summary.all, prompt)] != nil
            else { return nil }
            return method
        }
        // Of the very targets that the model was asked for: an adapter answers for fewer than the base.
        let reference = ReferenceDice(findings.rows)
        let rowsOf = Dictionary(grouping: findings.rows.filter { $0.method == .model }) { row in
            Summary.Group(row, dataset: row.dataset, label: Summary.all)
        }
        func meanOfReference(_ method: Method, _ dataset: String, _ prompt: PromptStyle) -> Double? {
            let dice = rowsOf[variant.group(dataset, prompt), default: []].compactMap {
                reference.dice(of: method, for: $0)
            }
            return dice.isEmpty ? nil : dice.reduce(0, +) / Double(dice.count)
        }
        let header = zip(prompts, references).flatMap { prompt, reference in
            [prompt.rawValue] + (reference.map { ["<span class=\"soft\">\(Markup.escaped($0.title))</span>"] } ?? [])
        }
        let rows = datasets.compactMap { dataset -> [String]? in
            let entries = prompts.map { summary[variant.group(dataset, $0)] }
            guard let first = entries.compactMap(\.self).first else { return nil }
            let cells = zip(entries, zip(prompts, references)).flatMap { entry, beside in
                let (prompt, method) = beside
                let reference = method.flatMap { meanOfReference($0, dataset, prompt) }
                let isAbove = if let reference, let entry { entry.dice.mean > reference } else { false }
                let text = Number.percent(entry?.dice)
                let cell = isAbove ? "<span class=\"best\">\(text)</span>" : text
                return [cell] + (method == nil ? [] : ["<span class=\"soft\">\(Number.percent(reference))</span>"])
            }
            return [Markup.escaped(dataset), "\(first.images)", "\(first.targets)"] + cells
        }
        return Markup.table(["dataset", "images", "targets"] + header, rows)
    }

    /// All measures of one model with one prompt, dataset by dataset and label by label.
    func detail(_ variant: ModelVariant, _ prompt: PromptStyle) -> String {
        let baselines =
            variant == .base
            ? Method.baselines(of: prompt).filter { summary[.baseline($0, Summary.all, prompt)] != nil } : []
        let header =
            [
                "dataset", "label", "targets", "Dice", "Jaccard", "ASD px", "HD95 px", "ASD mm", "HD95 mm",
                "above reference",
            ]
            + baselines.map { Markup.escaped($0.title) }
        let wanted = summary.entries.filter {
            $0.group.adapter == variant.adapter && $0.group.support == variant.support && $0.group.prompt == prompt
                && $0.group.method == .model && $0.group.dataset != Summary.all
        }
        // A dataset of one label would show it twice.
        let labels = Dictionary(grouping: wanted, by: \.group.dataset).mapValues { $0.count - 1 }
        let rows = wanted.filter { $0.group.label == Summary.all || labels[$0.group.dataset, default: 0] > 1 }
            .map { entry in
                let isAll = entry.group.label == Summary.all
                return [
                    isAll ? Markup.escaped(entry.group.dataset) : "", isAll ? "all" : title(entry.group),
                    "\(entry.targets)", Number.percent(entry.dice), Number.percent(entry.jaccard),
                    Number.distance(entry.asd), Number.distance(entry.hd95), Number.distance(entry.asdMillimetres),
                    Number.distance(entry.hd95Millimetres), Number.percent(entry.gain, signed: true),
                ]
                    + baselines.map { method in
                        isAll
                            ? Number.percent(summary[.baseline(method, entry.group.dataset, prompt)]?.dice.mean) : ""
                    }
            }
        return Markup.table(header, rows)
    }

    private func title(_ group: Summary.Group) -> String {
        let dataset = findings.datasets.first { $0.name == group.dataset }
        let tasks = dataset.map { LabelTask.tasks(of: $0, findings.settings.labels) } ?? []
        return Markup.escaped(tasks.first { $0.name == group.label }?.title ?? group.label)
    }

    var omissions: String {
        let rows = findings.omissions.map { omission in
            [omission.dataset, omission.what, omission.reason].map { Markup.escaped($0) }
        }
        return Markup.table(["dataset", "what", "reason"], rows)
            .replacing("<table>", with: "<table class=\"words\">", maxReplacements: 1)
    }
}
