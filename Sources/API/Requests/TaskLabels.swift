package import Adaptation
package import Imaging
package import Storage

/// What a task's masks outline.
///
/// One label numbered 1 (or none at all) is marked by every pixel that is not 0, as in the black and white masks that most
/// tools save. All others are told apart by their numbers, and their masks are label maps.
package struct TaskLabels: Sendable, Equatable {
    /// Perhaps none, where there is one that nobody named.
    package let labels: [Label]

    package init(_ labels: [Label]) { self.labels = labels }

    /// Whether masks are black and white, and any pixel but 0 marks the one label.
    package var isBinary: Bool { labels.isEmpty || (labels.count == 1 && labels[0].value == 1) }

    /// At least one.
    package var count: Int { max(labels.count, 1) }

    /// - Parameter index: From 0.
    package func value(_ index: Int) -> Int { labels.isEmpty ? 1 : labels[index].value }
    package func name(_ index: Int) -> String? { labels.isEmpty ? nil : labels[index].name }

    /// As people call it in a message.
    func words(_ index: Int) -> String { "\(value(index))" + (name(index).map { " \(Quoted($0))" } ?? "") }

    /// `label` and, where labels have numbers, `label_value`.
    func members(_ index: Int) -> [JSON.Member] {
        let name = JSON.Member("label", .optional(name(index)))
        return isBinary ? [name] : [name, .init("label_value", .integer(value(index)))]
    }

    /// Every label as `{"value", "name"}`.
    var json: JSON {
        .array(labels.map { ["value": .integer($0.value), "name": .string($0.name)] })
    }

    var list: String { (0..<count).map(words).joined(separator: ", ") }

    package var adapterLabels: AdapterLabels {
        isBinary
            ? AdapterLabels(name: labels.first?.name)
            : AdapterLabels(names: labels.map(\.name), values: labels.map(\.value))
    }

    /// Why a mask does not fit the labels.
    package enum Misfit: Error, Equatable {
        /// The first pixel that has no grey value.
        case colour(x: Int, y: Int)
        /// Values that no label has, ascending; the first of them where there are many.
        case unknown([Int])
    }

    private static let shownUnknown = 8

    /// The labels of a mask's pixels.
    package func read(_ raw: RawImage) throws(Misfit) -> LabelImage {
        guard !isBinary else { return LabelImage(Mask(raw)) }
        let map: LabelMap
        do throws(LabelMapError) {
            map = try LabelMap(raw)
        } catch {
            switch error {
            case .colour(let x, let y): throw .colour(x: x, y: y)
            }
        }
        var marks = [UInt8](repeating: 0, count: 1 << 16)
        for (index, label) in labels.enumerated() { marks[label.value] = UInt8(index + 1) }
        let pixels = map.labels.map { marks[Int($0)] }
        let unknown = zip(map.labels, pixels).contains { $0 != 0 && $1 == 0 }
        guard !unknown else {
            throw .unknown(Array(map.values.map(Int.init).filter { marks[$0] == 0 }.prefix(Self.shownUnknown)))
        }
        return LabelImage(width: map.width, height: map.height, pixels: pixels)
    }

    /// The labels of a mask that was taken in before.
    func stored(_ raw: RawImage, field: String) throws(Problem) -> LabelImage {
        do throws(Misfit) {
            return try read(raw)
        } catch {
            throw Problem(error, self, field: field, name: "the stored file of \(field)")
        }
    }

    /// The numbers of a label image's labels, as an 8-bit grey image.
    package func map(_ image: LabelImage) -> RawImage {
        let values = [0] + (0..<count).map { UInt16(value($0)) }
        return RawImage(
            width: image.width, height: image.height, channels: 1, bitDepth: 8,
            samples: image.pixels.map { values[Int($0)] })
    }

    /// What a mask is known by: two masks with one hash teach the same.
    func hash(_ image: LabelImage) -> String {
        isBinary ? PixelHash.of(image.foreground) : PixelHash.of(map(image))
    }
}

extension TaskLabels {
    /// The labels of a task that an adapter may come with: those that were asked for, else the adapter's. An adapter knows its
    /// labels by their order, so both must have the same numbers.
    init(_ asked: TaskLabels?, importing card: Adapter.Card?) throws(Problem) {
        let own = card.flatMap { card in
            card.labelValues.map { values in
                TaskLabels(zip(values, card.labels).map { Label(value: $0, name: $1) })
            }
        }
        guard card != nil, let asked else {
            self = asked ?? own ?? TaskLabels(card?.onlyName.map { [Label(value: 1, name: $0)] } ?? [])
            return
        }
        guard asked.isBinary == (own == nil), asked.isBinary || asked.labels.map(\.value) == own?.labels.map(\.value)
        else {
            throw Problem.invalid(
                "task.labels",
                own.map { "the adapter was made for the labels \($0.list), and task.labels names \(asked.list)" }
                    ?? "the adapter was made for one label, and task.labels names \(asked.list)",
                hint: "leave task.labels out: the adapter brings its own")
        }
        self = asked
    }
}

extension Problem {
    /// - Parameters:
    ///   - field: Where the mask came.
    ///   - name: What to call it.
    init(_ misfit: TaskLabels.Misfit, _ labels: TaskLabels, field: String, name: String) {
        let words = FindingAnswer.Misfit(misfit, labels)
        // The labels of a task that is there are what they are.
        let isTruth = field == "ground_truth"
        self.init(
            isTruth ? .invalidValue : .unusableExample, "\(name): \(words.message)", field: field,
            hint: isTruth ? "send a label map whose values are the task's: 0 and \(labels.list)" : words.hint)
    }
}

/// Which label a request is about: by its name, or by its number.
package enum LabelSelector: Sendable, Equatable {
    case name(String)
    case value(Int)

    init(_ json: JSON, path: String) throws(Problem) {
        if let value = json.integerValue {
            self = .value(value)
        } else if let name = json.stringValue, name.unicodeScalars.count <= 200 {
            self = .name(name)
        } else {
            throw Problem.invalid(
                path, "\(path) must be a label's name or number, found \(json.brief)",
                hint: #"give one of the task's labels: {"label": "myocardium"} or {"label": 2}"#)
        }
    }

    package var json: JSON {
        switch self {
        case .name(let name): .string(name)
        case .value(let value): .integer(value)
        }
    }
}

extension TaskLabels {
    /// The index of the label that is asked for.
    func index(_ selector: LabelSelector, path: String) throws(Problem) -> Int {
        let found: Int? =
            switch selector {
            case .value(let value): (0..<count).first { self.value($0) == value }
            // A form's text may spell a number, where no label is called so.
            case .name(let name):
                (0..<count).first { self.name($0) == name } ?? (0..<count).first { "\(value($0))" == name }
            }
        guard let found else {
            var nearest: String?
            if case .name(let name) = selector {
                nearest = NearestName.suggestion(for: name, among: labels.map(\.name))
            }
            throw Problem.invalid(
                path, "there is no label \(selector.json.brief)",
                hint: (nearest.map { "did you mean \"\($0)\"? " } ?? "")
                    + (labels.isEmpty ? "leave it out: nobody named one" : "the task has \(list)"))
        }
        return found
    }

    /// The labels that a request is to be answered for, in their order.
    func asked(_ options: SegmentOptions, path: String) throws(Problem) -> [Int] {
        if let selector = options.prompts.label { return [try index(selector, path: "\(path).label")] }
        guard count > 1 else { return [0] }
        guard options.prompts.isEmpty, !options.multimask, !options.instances else {
            let what =
                options.instances
                ? "instances are" : options.multimask ? "multimask is" : "points, boxes and masks are"
            throw Problem.missing(
                "\(path).label", "the task has \(count) labels, and \(what) of one of them",
                hint: "say of which: {\"label\": \(value(0)), …}; it has \(list)")
        }
        return Array(0..<count)
    }
}

extension SegmentOptions {
    /// The same for a task with these labels, among which its own label is: called by its number, and left out where there is
    /// but one to mean, so that a receipt reads the same whatever the label was called.
    func named(_ labels: TaskLabels) throws(Problem) -> SegmentOptions {
        guard let selector = prompts.label else { return self }
        var options = self
        let index = try labels.index(selector, path: "prompts.label")
        options.prompts.label = labels.isBinary ? nil : .value(labels.value(index))
        return options
    }
}
