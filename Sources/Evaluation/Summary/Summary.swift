package import Adaptation

/// The means of an evaluation: for each dataset and label, for each dataset, and over the datasets.
package struct Summary: Sendable {
    /// Stands for all datasets, or all labels of one.
    package static let all = "*"

    /// What one mean is of.
    package struct Group: Codable, Sendable, Hashable {
        package let dataset: String
        package let label: String
        package let adapter: AdapterKind?
        package let support: Int
        package let prompt: PromptStyle
        package let method: Method

        package init(
            dataset: String, label: String, adapter: AdapterKind?, support: Int, prompt: PromptStyle, method: Method
        ) {
            self.dataset = dataset
            self.label = label
            self.adapter = adapter
            self.support = support
            self.prompt = prompt
            self.method = method
        }
    }

    package struct Entry: Codable, Sendable {
        package let group: Group
        package let datasets: Int
        package let images: Int
        package let targets: Int
        package let dice: Estimate
        package let jaccard: Estimate
        /// Over the targets of which neither mask is empty, `measured` in number.
        package let asd: Estimate?
        package let hd95: Estimate?
        package let asdMillimetres: Estimate?
        package let hd95Millimetres: Estimate?
        package let measured: Int
        /// The same of the distances in millimetres: where the spacing is known as well.
        package let measuredMillimetres: Int
        /// Dice above the reference on the same targets: for an adapter the base model, for the base model its prompt
        /// as a mask.
        package let gain: Estimate?
        /// Mean Dice after each click of `1+4`, over the datasets.
        package let diceByClick: [Double]?

        enum CodingKeys: String, CodingKey {
            case group, datasets, images, targets, dice, jaccard
            case asd = "asd_px"
            case hd95 = "hd95_px"
            case asdMillimetres = "asd_mm"
            case hd95Millimetres = "hd95_mm"
            case measured, gain
            case measuredMillimetres = "measured_mm"
            case diceByClick = "dice_by_click"
        }
    }

    package let entries: [Entry]
    private let index: [Group: Int]

    package init(_ findings: Findings) {
        let sampler = Sampler(findings.settings)
        let reference = ReferenceDice(findings.rows)
        var groups: [Group: [ResultRow]] = [:]
        for row in findings.rows {
            for (dataset, label) in [(row.dataset, row.label), (row.dataset, Self.all), (Self.all, Self.all)] {
                groups[Group(row, dataset: dataset, label: label), default: []].append(row)
            }
        }
        let entries = groups.sorted { $0.key.order.lexicographicallyPrecedes($1.key.order) }
            .compactMap { Self.entry($0, $1, sampler, reference) }
        self.entries = entries
        index = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.group, $0) })
    }

    package subscript(group: Group) -> Entry? { index[group].map { entries[$0] } }

    private static func entry(
        _ group: Group, _ rows: [ResultRow], _ sampler: Sampler, _ reference: ReferenceDice
    ) -> Entry? {
        func estimate(_ range: ClosedRange<Double>, _ value: (ResultRow) -> Double?) -> Estimate? {
            Estimate(sampler.samples(rows, value), within: range)
        }
        func share(_ value: (ResultRow) -> Double?) -> Estimate? { estimate(Measure.dice.range, value) }
        func distance(_ value: (ResultRow) -> Double?) -> Estimate? { estimate(Measure.asd.range, value) }
        guard let dice = share(\.dice), let jaccard = share(\.jaccard) else { return nil }
        let clicks = rows.first?.diceByClick?.count
        return Entry(
            group: group, datasets: Set(rows.map(\.dataset)).count,
            images: Set(rows.map { [$0.dataset, $0.stem] }).count, targets: targets(rows), dice: dice,
            jaccard: jaccard, asd: distance(\.asd), hd95: distance(\.hd95),
            asdMillimetres: distance(\.asdMillimetres), hd95Millimetres: distance(\.hd95Millimetres),
            measured: targets(rows.filter { $0.asd != nil }),
            measuredMillimetres: targets(rows.filter { $0.asdMillimetres != nil }),
            gain: estimate(Measure.gains) { row in reference.dice(for: row).map { row.dice - $0 } },
            diceByClick: clicks.map { count in (0..<count).map { mean(rows, ofClick: $0) } })
    }

    /// Each once, though every support seed has a row for it.
    private static func targets(_ rows: [ResultRow]) -> Int {
        Set(rows.map { [$0.dataset, $0.label, $0.stem, $0.object] }).count
    }

    /// Over datasets of the mean over targets.
    private static func mean(_ rows: [ResultRow], ofClick click: Int) -> Double {
        let datasets = Dictionary(grouping: rows, by: \.dataset).values
        return datasets.reduce(0) { sum, rows in
            let values = rows.compactMap { row in
                row.diceByClick.flatMap { $0.indices.contains(click) ? $0[click] : nil }
            }
            return sum + values.reduce(0, +) / Double(max(values.count, 1))
        } / Double(max(datasets.count, 1))
    }
}

extension Summary.Group {
    init(_ row: ResultRow, dataset: String, label: String) {
        self.init(
            dataset: dataset, label: label, adapter: row.adapter, support: row.support, prompt: row.prompt,
            method: row.method)
    }

    /// Sorts: the mean over all first, then datasets, labels, prompts, methods, adapters, sizes.
    fileprivate var order: [String] {
        let place = { (index: Int?) in index.map { String($0 + 100_000) } ?? "" }
        return [
            dataset == Summary.all ? "" : dataset, label == Summary.all ? "" : label,
            place(PromptStyle.allCases.firstIndex(of: prompt)), place(Method.allCases.firstIndex(of: method)),
            place(adapter.flatMap { AdapterKind.allCases.firstIndex(of: $0) }), place(support),
        ]
    }
}

/// The Dice that a row is compared with, on the same target.
struct ReferenceDice {
    private struct Key: Hashable {
        let dataset, label, stem, object: String
        let prompt: PromptStyle
        let method: Method
    }

    private var dice: [Key: Double] = [:]

    init(_ rows: [ResultRow]) {
        for row in rows where row.adapter == nil { dice[Self.key(row, row.method)] = row.dice }
    }

    /// Nil for what is no model, and where the reference was not measured.
    func dice(for row: ResultRow) -> Double? {
        guard row.method == .model else { return nil }
        if row.adapter != nil { return dice[Self.key(row, .model)] }
        guard let baseline = Method.baselines(of: row.prompt).first, baseline != .gridLimit else { return nil }
        return dice[Self.key(row, baseline)]
    }

    /// Of a method that needs no adapter, on the target of any row; nil where it was not measured.
    func dice(of method: Method, for row: ResultRow) -> Double? { dice[Self.key(row, method)] }

    private static func key(_ row: ResultRow, _ method: Method) -> Key {
        Key(
            dataset: row.dataset, label: row.label, stem: row.stem, object: row.object, prompt: row.prompt,
            method: method)
    }
}
