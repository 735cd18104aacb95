import API
import Testing

@Suite struct MethodsParagraphTests {
    private static let base: JSON = [
        "model": ["name": "gmiseg-mini", "sha256": "abc"], "tier": "base",
        "build": ["version": "0.1.0", "kernels": "avx2"], "request": ["prompts": [:]],
    ]

    private func with(_ members: [JSON.Member]) -> JSON {
        .object((Self.base.members ?? []).filter { old in !members.contains { $0.name == old.name } } + members)
    }

    @Test func saysWhatAnsweredAndWhomToCite() {
        let text = MethodsParagraph.text(Self.base)
        for part in [
            "GMISeg 0.1.0", "avx2", "gmiseg-mini", "SHA-256 abc", "without adaptation", "No prompt", "Segment Anything",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!text.contains("[2]"))
    }

    @Test(arguments: [
        ("lora", ["low-rank updates of rank 4", "[3]"], ["the mask decoder with"]),
        ("decoder", ["the mask decoder"], ["low-rank updates", "[3]"]),
        ("lora+decoder", ["low-rank updates", "and the mask decoder", "[3]"], []),
    ]) func saysHowItWasAdapted(_ kind: String, _ present: [String], _ absent: [String]) {
        let card: JSON = ["kind": .string(kind), "rank": 4, "steps": 60, "seed": 3, "support_count": 1]
        let text = MethodsParagraph.text(
            with([
                .init("tier", "adapted"), .init("adaptation", card), .init("adapter_version", 2),
                .init("adapter_sha256", "def"),
            ]))
        for part in present + ["1 labelled image [2]", "60 steps", "seed 3", "adapter version 2", "SHA-256 def"] {
            #expect(text.contains(part), "\(part): \(text)")
        }
        for part in absent { #expect(!text.contains(part), "\(part): \(text)") }
        #expect(!text.contains("began with an earlier adapter"))
    }

    /// What an adapter went on from taught it too.
    @Test func saysWhatAnAdapterContinues() {
        let before: JSON = ["sha256": "fed", "steps": 120, "support_count": 20]
        let card: JSON = ["kind": "lora", "rank": 4, "steps": 60, "seed": 3, "support_count": 4, "continued": before]
        let text = MethodsParagraph.text(with([.init("tier", "adapted"), .init("adaptation", card)]))
        #expect(text.contains("from 4 labelled images"))
        #expect(
            text.contains("began with an earlier adapter (120 steps, its last run on 20 labelled images, SHA-256 fed)"))
    }

    @Test func saysHowObjectsWereToldApart() {
        func text(_ members: [JSON.Member]) -> String {
            MethodsParagraph.text(with(members + [.init("request", ["prompts": [:], "instances": true])]))
        }
        let (adapted, tiles) = (JSON.Member("tier", "adapted"), JSON.Member("adaptation", ["tile_side": 200]))
        #expect(text([]).contains("a grid of 12 × 12 points"))
        #expect(text([]).contains("at least 0.7 and a stability of at least 0.8"))
        for taught in [text([adapted]), text([.init("promptless", ["route": "model"])])] {
            #expect(taught.contains("at least 4 cells of the network's output was asked for again by its box"))
        }
        for pixels in [text([adapted, tiles]), text([.init("promptless", ["route": "pixel-prototypes"])])] {
            #expect(pixels.contains("at least 4 pixels was taken as an object"))
        }
    }

    @Test func saysWhichLabelsWereToldApart() {
        func text(_ labels: JSON) -> String { MethodsParagraph.text(with([.init("labels", labels)])) }
        let (one, other): (JSON, JSON) = (["name": "lesion", "value": 2], ["name": "cyst", "value": 3])
        #expect(text([one]).contains("The label lesion (2) was segmented."))
        #expect(text([one, other]).contains("The labels lesion (2), cyst (3) were segmented together"))
        let adapted = MethodsParagraph.text(
            with([.init("tier", "adapted"), .init("labels", [one, other]), .init("adaptation", ["kind": "decoder"])]))
        #expect(adapted.contains("the mask decoder and a query and a default prompt for each label"))
    }

    @Test func saysWhatItWasTold() {
        let prompts: JSON = [
            "points": [["label": 1], ["label": 1], ["label": 0]], "boxes": [["x0": 1]], "mask": ["size": [1, 1]],
        ]
        let text = MethodsParagraph.text(with([.init("request", ["prompts": prompts, "multimask": true])]))
        let told =
            "prompted with a bounding box, 2 foreground points, 1 background point, an earlier mask, with all candidate"
        #expect(text.contains(told), "\(text)")
    }

    /// Of whom an answer is fitted to the image: a model that says so, without an adapter, a mask, a background point or candidates.
    @Test func saysWhatWasFittedToTheImage() {
        let model = JSON.Member("model", ["name": "gmiseg-mini", "sha256": "abc", "appearance": 1])
        func text(_ prompts: JSON, _ members: [JSON.Member], multimask: Bool = false) -> String {
            MethodsParagraph.text(
                with(members + [.init("request", ["prompts": prompts, "multimask": .bool(multimask)])]))
        }
        let (box, point): (JSON, JSON) = (["boxes": [["x0": 1]]], ["points": [["label": 1]]])
        for prompts in [box, point] {
            #expect(text(prompts, [model]).contains("fitted to the image"))
            #expect(!text(prompts, []).contains("fitted"))
            #expect(!text(prompts, [model], multimask: true).contains("fitted"))
            #expect(!text(prompts, [model, .init("tier", "adapted")]).contains("fitted"))
        }
        #expect(!text(["points": [["label": 1], ["label": 0]]], [model]).contains("fitted"))
        #expect(!text(["boxes": [["x0": 1]], "mask": ["size": [1, 1]]], [model]).contains("fitted"))
        #expect(!text([:], [model]).contains("fitted"))
    }

    /// A model that looks closely does so at boxes, whoever answers, and at points without an adapter.
    @Test func saysWhereItLooked() {
        let model = JSON.Member("model", ["name": "gmiseg-mini", "sha256": "abc", "focused": true, "appearance": 1])
        func text(_ prompts: JSON, _ members: [JSON.Member], multimask: Bool = false) -> String {
            MethodsParagraph.text(
                with(members + [.init("request", ["prompts": prompts, "multimask": .bool(multimask)])]))
        }
        let (box, point): (JSON, JSON) = (["boxes": [["x0": 1]]], ["points": [["label": 1]]])
        let points: JSON = ["points": [["label": 1], ["label": 1]]]
        #expect(text(box, [model]).contains("the box was answered on a square"))
        #expect(text(["boxes": [["x0": 1], ["x0": 2]]], [model]).contains("each box was answered on a square"))
        #expect(text(box, [model, .init("tier", "adapted")]).contains("the box was answered on a square"))
        #expect(text(point, [model]).contains("The point was answered on the whole image and, unless"))
        #expect(!text(point, [model]).contains("one by one"))
        #expect(text(points, [model]).contains("Points were answered on the whole image and, unless"))
        #expect(text(points, [model]).contains("they were asked one by one"))
        #expect(text(points, [model]).contains("Unless points were asked one by one, the answer was fitted"))
        let many = JSON.array((0..<13).map { _ in ["label": 1] })
        #expect(text(["points": many], [model]).contains("They were asked at once"))
        #expect(!text(["points": many], [model]).contains("one by one"))
        let tiles = JSON.Member("adaptation", ["tile_side": 200])
        #expect(!text(box, [model, .init("tier", "adapted"), tiles]).contains("square"))
        for silent in [
            text(point, []), text(box, []), text([:], [model]), text(point, [model], multimask: true),
            text(points, [model, .init("tier", "adapted")]), text(["points": [["label": 0]]], [model]),
            text(["points": [["label": 1]], "mask": ["size": [1, 1]]], [model]),
        ] {
            #expect(!silent.contains("square") && !silent.contains("one by one"), "\(silent)")
        }
    }

    /// Without an adapter a model that looks closely draws thin answers anew, to whatever prompt.
    @Test func saysThatThinAnswersWereDrawnAnew() {
        let model = JSON.Member("model", ["name": "gmiseg-mini", "sha256": "abc", "focused": true])
        func text(_ prompts: JSON, _ members: [JSON.Member], _ request: [JSON.Member] = []) -> String {
            MethodsParagraph.text(with(members + [.init("request", .object([.init("prompts", prompts)] + request))]))
        }
        let all: [JSON] = [
            [:], ["boxes": [["x0": 1]]], ["points": [["label": 1]]], ["mask": ["size": [1, 1]]],
        ]
        for prompts in all {
            #expect(text(prompts, [model]).contains("at most 16 overlapping tiles"))
            #expect(!text(prompts, []).contains("overlapping"))
            #expect(!text(prompts, [model, .init("tier", "adapted")]).contains("overlapping"))
            #expect(!text(prompts, [model], [.init("multimask", true)]).contains("overlapping"))
        }
        // There the support set answers without a prompt, and objects one by one are not looked at again.
        let taught = JSON.Member("promptless", ["route": "model"])
        #expect(!text([:], [model, taught]).contains("overlapping"))
        #expect(text([:], [model, .init("promptless", .null)]).contains("overlapping"))
        #expect(!text([:], [model], [.init("instances", true)]).contains("overlapping"))
    }

    /// A receipt that lacks everything is still a sentence, and no crash.
    @Test func takesWhatIsThere() {
        #expect(MethodsParagraph.text([:]).hasPrefix("Masks were made with GMISeg of an unknown version"))
    }
}
