import Adaptation
import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct AdapterMeanTests {
    private static func members(_ kind: AdapterKind) throws -> [TrainedAdapter] {
        let examples = discs(3)
        return try examples.indices.map { held in
            var others = examples
            others.remove(at: held)
            return try Trainer(
                model: tinyModel, examples: others, settings: quick(kind, steps: 3), taskName: "discs",
                labels: AdapterLabels(name: "disc")
            ).run()
        }
    }

    /// `scale · up · down`, row by row: `[W, W]`.
    private static func product(_ up: Value, _ down: Value, _ scale: Float) -> [Double] {
        let (rows, rank, columns) = (up.shape[0], up.shape[1], down.shape[1])
        let (b, a) = (up.tensor.elements, down.tensor.elements)
        return (0..<rows * columns).map { cell in
            let (row, column) = (cell / columns, cell % columns)
            return (0..<rank).reduce(0.0) { $0 + Double(scale * b[row * rank + $1]) * Double(a[$1 * columns + column]) }
        }
    }

    @Test func updatesAreTheMeanOfTheMembersUpdates() throws {
        let members = try Self.members(.loraDecoder)
        let mean = try TrainedAdapter.mean(of: members, supportCount: 3).adapter
        let updates = mean.adjustment.lowRank
        #expect(updates.count == tinyModel.configuration.depth)
        for (block, update) in updates {
            let own = try members.map { try #require($0.adapter.adjustment.lowRank[block]) }
            for (of, expected) in [
                (
                    Self.product(update.qUp, update.qDown, update.scale),
                    own.map { Self.product($0.qUp, $0.qDown, $0.scale) }
                ),
                (
                    Self.product(update.vUp, update.vDown, update.scale),
                    own.map { Self.product($0.vUp, $0.vDown, $0.scale) }
                ),
            ] {
                let means = of.indices.map { cell in expected.reduce(0) { $0 + $1[cell] } / Double(expected.count) }
                #expect(means.contains { $0 != 0 })
                #expect(zip(of, means).allSatisfy { abs($0 - $1) < 1e-7 })
            }
        }
        let overrides = mean.adjustment.overrides
        #expect(Set(overrides.keys) == Set(members[0].adapter.adjustment.overrides.keys) && !overrides.isEmpty)
        for (name, value) in overrides {
            let own = try members.map { try #require($0.adapter.adjustment.overrides[name]).tensor.elements }
            for (cell, element) in value.tensor.elements.enumerated() {
                #expect(abs(element - (own[0][cell] + own[1][cell] + own[2][cell]) / 3) < 1e-6)
            }
        }
    }

    @Test(arguments: [AdapterKind.lora, .decoder, .loraDecoder]) func comesBackFromItsFile(_ kind: AdapterKind) throws {
        let members = try Self.members(kind)
        let mean = try TrainedAdapter.mean(of: members, supportCount: 3)
        let (card, own) = (mean.adapter.card, members[0].adapter.card)
        #expect(card.members == 3 && own.members == nil)
        #expect(card.rank == 3 * own.rank && card.alpha == own.alpha)
        #expect(card.supportCount == 3 && own.supportCount == 2)
        #expect(card.labels == ["disc"] && card.task == "discs")
        #expect(mean.losses.count == 3)
        #expect(abs(mean.losses[0] - members.reduce(0) { $0 + $1.losses[0] } / 3) < 1e-6)
        let directory = try TemporaryDirectory()
        let path = directory.file("adapter.safetensors")
        try mean.adapter.write(to: path)
        let loaded = try Adapter.load(path: path, for: tinyModel)
        #expect(loaded.card == card && loaded.sha256 == mean.adapter.sha256)
        let image = discs(1)[0].image
        let answers = try [mean.adapter, loaded, members[0].adapter].map { adapter in
            let predictor = Predictor(tinyModel, adjustment: adapter.adjustment)
            return try predictor.predict(predictor.embed(image), [.none])[0][0].lowResolutionLogits.elements
        }
        #expect(answers[0] == answers[1] && answers[0] != answers[2])
    }

    /// The same adapter twice is still that adapter.
    @Test func theMeanOfEqualsIsOne() throws {
        let member = try Self.members(.decoder)[0]
        let twice = try TrainedAdapter.mean(of: [member, member], supportCount: 2)
        #expect(
            twice.adapter.adjustment.overrides.mapValues(\.tensor.elements)
                == member.adapter.adjustment.overrides.mapValues(\.tensor.elements))
    }
}
