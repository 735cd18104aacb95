import Imaging

/// Which labels of a dataset become tasks.
package enum LabelChoice: Sendable, Equatable, CustomStringConvertible {
    /// Every label by itself.
    case each
    /// All labels together as one.
    case merged
    case only([UInt16])

    /// `each`, `merge`, or label numbers with commas between; nil for anything else.
    package init?(_ text: String) {
        switch text {
        case "each": self = .each
        case "merge": self = .merged
        default:
            let labels = text.split(separator: ",", omittingEmptySubsequences: false).map { UInt16($0) }
            guard !labels.isEmpty, !labels.contains(where: { $0 == nil || $0 == 0 }) else { return nil }
            self = .only(Array(Set(labels.compactMap(\.self))).sorted())
        }
    }

    package var description: String {
        switch self {
        case .each: "each"
        case .merged: "merge"
        case .only(let labels): labels.map(String.init).joined(separator: ",")
        }
    }
}

/// One binary task in a dataset.
struct LabelTask: Sendable, Equatable, Hashable {
    enum Rule: Sendable, Equatable, Hashable {
        case label(UInt16)
        /// Every pixel that is not background.
        case foreground
        /// Single objects of a mask that numbers them; without a prompt, all of them.
        case objects
    }

    let rule: Rule
    /// For files: the label's number, `merged` or `objects`.
    let name: String
    /// For people.
    let title: String

    static func tasks(of dataset: Dataset, _ choice: LabelChoice) -> [LabelTask] {
        if dataset.hasInstances { return [LabelTask(rule: .objects, name: "objects", title: "objects")] }
        func task(_ label: UInt16) -> LabelTask {
            let name = dataset.notes.labelNames[label]
            return LabelTask(rule: .label(label), name: "\(label)", title: name.map { "\(label) \($0)" } ?? "\(label)")
        }
        switch choice {
        case .each: return dataset.labels.map(task)
        case .merged: return [LabelTask(rule: .foreground, name: "merged", title: "all labels merged")]
        case .only(let labels): return dataset.labels.filter(labels.contains).map(task)
        }
    }

    /// Whether an image has a target of at least `pixels`; by the areas alone.
    func occurs(in pair: Dataset.Pair, atLeast pixels: Int) -> Bool {
        switch rule {
        case .label(let label): pair.areas[label, default: 0] >= pixels
        case .foreground: pair.areas.values.reduce(0, +) >= pixels
        case .objects: pair.areas.values.contains { $0 >= pixels }
        }
    }

    /// What promptless use is to find, and what an adapter learns.
    func whole(_ labels: LabelMap) -> Mask {
        switch rule {
        case .label(let label): labels.mask(of: label)
        case .foreground, .objects:
            Mask(width: labels.width, height: labels.height, pixels: labels.labels.map { $0 == 0 ? 0 : 1 })
        }
    }
}
