package import Adaptation
package import Imaging
package import SegmentAnything

/// What a client points at: `{"points": [{"x", "y", "label"}], "boxes": [{"x0", "y0", "x1", "y1"}], "mask": …, "label": …}`,
/// all optional.
///
/// Points, at most one box and a mask together describe one object and give one mask, as in Segment Anything. Several boxes
/// give a mask each. Points or a mask beside several boxes would leave open which box they refine, and are refused. Nothing
/// at all is the promptless request.
package struct PromptsRequest: Sendable, Equatable {
    package struct Point: Sendable, Equatable {
        package let x: Double
        package let y: Double
        package let isForeground: Bool
    }

    /// Corners inclusive: a box of one pixel has `x0 == x1`.
    package struct Box: Sendable, Equatable {
        package let x0: Double
        package let y0: Double
        package let x1: Double
        package let y1: Double
    }

    package var points: [Point] = []
    package var boxes: [Box] = []
    /// A mask of the image's size, which the answer is to refine; see `PromptsRequest+Mask.swift` for its forms.
    package var mask: Mask?
    /// Which of the task's labels all this is about; nil: not said.
    package var label: LabelSelector?

    /// What people call prompts when they send each as a part of its own.
    static let names = ["point", "box", "mask", "label"]
    package static let maximumPoints = 64
    package static let maximumBoxes = 64
    /// Bytes of JSON: a mask prompt may be the ragged mask of a large image.
    static let byteLimit = 16 << 20
    package static let none = PromptsRequest()

    package init(points: [Point] = [], boxes: [Box] = [], mask: Mask? = nil, label: LabelSelector? = nil) {
        self.points = points
        self.boxes = boxes
        self.mask = mask
        self.label = label
    }

    /// Whether nobody points anywhere; a label alone does not.
    package var isEmpty: Bool { points.isEmpty && boxes.isEmpty && mask == nil }

    /// Reads `json`, found at `path` of the request.
    ///
    /// - Parameter imageLimits: Of a mask prompt.
    package init(_ json: JSON, path: String, imageLimits: ImageLimits = .standard) throws(Problem) {
        let fields = try Fields(json, path: path, known: ["points", "boxes", "mask", "label"])
        for (index, element) in (try fields.array("points", maximumCount: Self.maximumPoints) ?? []).enumerated() {
            points.append(try Self.point(element, path: "\(fields.path(of: "points"))[\(index)]"))
        }
        for (index, element) in (try fields.array("boxes", maximumCount: Self.maximumBoxes) ?? []).enumerated() {
            boxes.append(try Self.box(element, path: "\(fields.path(of: "boxes"))[\(index)]"))
        }
        mask = try fields.value("mask").map { json throws(Problem) in
            try Self.mask(json, path: fields.path(of: "mask"), limits: imageLimits)
        }
        label = try fields.value("label").map { json throws(Problem) in
            try LabelSelector(json, path: fields.path(of: "label"))
        }
        guard points.isEmpty || points.contains(where: \.isForeground) || !boxes.isEmpty || mask != nil else {
            throw Problem.invalid(
                fields.path(of: "points"), "no point marks the object: all have the label 0, which is background",
                hint: "add a point with the label 1, a box or a mask")
        }
        for (name, isThere) in [("points", !points.isEmpty), ("mask", mask != nil)] where isThere && boxes.count > 1 {
            throw Problem.invalid(
                fields.path(of: name), "\(name) beside \(boxes.count) boxes leave open which box they refine",
                hint: "send \(name) with one box or none, and further boxes in a request of their own")
        }
    }

    private static func point(_ json: JSON, path: String) throws(Problem) -> Point {
        let fields = try Fields(json, path: path, known: ["x", "y", "label"])
        let hint = #"a point is {"x": 120, "y": 80, "label": 1}"#
        let x = try fields.require("x", try fields.number("x"), hint: hint)
        let y = try fields.require("y", try fields.number("y"), hint: hint)
        let label = try fields.require("label", fields.value("label"), hint: "1 marks the object, 0 the background")
        switch label.integerValue {
        case 1: return Point(x: x, y: y, isForeground: true)
        case 0: return Point(x: x, y: y, isForeground: false)
        default:
            throw Problem.invalid(
                fields.path(of: "label"), "\(fields.path(of: "label")) is \(label.brief), not 0 or 1",
                hint: "1 marks the object, 0 the background")
        }
    }

    private static func box(_ json: JSON, path: String) throws(Problem) -> Box {
        let fields = try Fields(json, path: path, known: ["x0", "y0", "x1", "y1"])
        let hint = #"a box is {"x0": 10, "y0": 20, "x1": 110, "y1": 90}, corners inclusive"#
        let box = Box(
            x0: try fields.require("x0", try fields.number("x0"), hint: hint),
            y0: try fields.require("y0", try fields.number("y0"), hint: hint),
            x1: try fields.require("x1", try fields.number("x1"), hint: hint),
            y1: try fields.require("y1", try fields.number("y1"), hint: hint))
        guard box.x0 <= box.x1, box.y0 <= box.y1 else {
            throw Problem.invalid(
                path, "the box \(box.text) is inverted", hint: "x0 ≤ x1 and y0 ≤ y1: upper left corner first")
        }
        return box
    }

    /// Refuses what lies outside an image of `width` × `height` pixels. Pixel centres are integers, so the image reaches
    /// from −0.5 to `width` − 0.5.
    package func check(width: Int, height: Int, path: String) throws(Problem) {
        try checkMask(width: width, height: height, path: path)
        let (xs, ys) = (-0.5...Double(width) - 0.5, -0.5...Double(height) - 0.5)
        let hint = "x goes from 0 to \(width - 1), y from 0 to \(height - 1)"
        for (index, point) in points.enumerated() where !(xs.contains(point.x) && ys.contains(point.y)) {
            throw Problem(
                .outsideImage,
                "the point (\(point.x), \(point.y)) lies outside the image of \(width) × \(height) pixels",
                field: "\(path).points[\(index)]", hint: hint)
        }
        for (index, box) in boxes.enumerated() {
            guard xs.contains(box.x0), xs.contains(box.x1), ys.contains(box.y0), ys.contains(box.y1) else {
                throw Problem(
                    .outsideImage, "the box \(box.text) reaches outside the image of \(width) × \(height) pixels",
                    field: "\(path).boxes[\(index)]", hint: "\(hint); corners are inclusive")
            }
        }
    }

    /// The prompts as `model` takes them, one for each mask of the answer.
    package func prompts(for model: Configuration) -> [Prompt] {
        let points = points.map {
            Prompt.Point(x: Float($0.x), y: Float($0.y), isForeground: $0.isForeground)
        }
        let logits = mask.map { Prompt.maskLogits($0, model: model) }
        guard !boxes.isEmpty else { return [Prompt(points: points, maskLogits: logits)] }
        return boxes.map { box in
            Prompt(
                points: points,
                box: Prompt.Box(x0: Float(box.x0), y0: Float(box.y0), x1: Float(box.x1), y1: Float(box.y1)),
                maskLogits: logits)
        }
    }

    /// What marks in the mirror image what this marks in an image of so many columns.
    package func mirrored(width: Int) -> PromptsRequest {
        let right = Double(width - 1)
        return PromptsRequest(
            points: points.map { Point(x: right - $0.x, y: $0.y, isForeground: $0.isForeground) },
            boxes: boxes.map { Box(x0: right - $0.x1, y0: $0.y0, x1: right - $0.x0, y1: $0.y1) },
            mask: mask?.flippedHorizontally(), label: label)
    }

    /// The kind by which held-out scores are kept: a box settles what points refine.
    package var kind: PromptKind {
        if !boxes.isEmpty { return .box }
        return points.isEmpty && mask == nil ? .none : .point
    }

    /// The request in its one canonical form: a receipt holds it, and it reads back as the same request.
    package var json: JSON {
        var members: [JSON.Member] = [
            .init(
                "points",
                .array(
                    points.map { ["x": .number($0.x), "y": .number($0.y), "label": .integer($0.isForeground ? 1 : 0)] })
            ),
            .init("boxes", .array(boxes.map(\.json))),
            .init("mask", mask.map(Self.json) ?? .null),
        ]
        if let label { members.append(.init("label", label.json)) }
        return .object(members)
    }
}

extension PromptsRequest.Box {
    package var json: JSON { ["x0": .number(x0), "y0": .number(y0), "x1": .number(x1), "y1": .number(y1)] }
    var text: String { "(\(x0), \(y0))–(\(x1), \(y1))" }
}
