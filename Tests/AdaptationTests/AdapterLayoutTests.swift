import Adaptation
import SegmentAnything
import Tensor
import Testing

@Suite struct AdapterLayoutTests {
    static let configuration = Configuration.tiny

    @Test func loraNamesFourFactorsPerAdaptedBlock() {
        let depth = Self.configuration.depth
        let all = AdapterLayout(kind: .lora, rank: 2, lastBlocks: nil, model: tinyModel)
        #expect(all.blocks == 0..<depth && all.entries.count == 4 * depth)
        let last = AdapterLayout(kind: .lora, rank: 2, lastBlocks: 1, model: tinyModel)
        #expect(last.blocks == depth - 1..<depth)
        let prefix = "image_encoder.blocks.\(depth - 1).attn.qkv.lora_"
        #expect(last.entries.map(\.name) == ["q.down", "q.up", "v.down", "v.up"].map { prefix + $0 })
        #expect(
            last.entries.map(\.shape) == [[2, Self.configuration.width], [Self.configuration.width, 2]] + [
                [2, Self.configuration.width], [Self.configuration.width, 2],
            ])
    }

    @Test func decoderTakesAllOfTheMaskDecoderButTheOtherMasksHyperNetworks() {
        let layout = AdapterLayout(kind: .decoder, rank: 4, lastBlocks: nil, model: tinyModel)
        let names = Set(layout.entries.map(\.name))
        let expected = tinyModel.parameterNames.filter { name in
            name.hasPrefix("mask_decoder.")
                && !(1..<Self.configuration.maskCount).contains { name.contains("hypernetworks_mlps.\($0).") }
        }
        #expect(names == Set(expected) && !names.isEmpty)
        #expect(layout.blocks.isEmpty)
        #expect(layout.entries.allSatisfy { $0.shape == tinyModel.parameter($0.name).shape })
    }

    @Test(arguments: AdapterKind.allCases) func theStartChangesNothing(_ kind: AdapterKind) throws {
        let layout = AdapterLayout(kind: kind, rank: 4, lastBlocks: nil, model: tinyModel)
        let start = layout.start(model: tinyModel, seed: 5)
        let adjustment = layout.adjustment(start.map { Value($0) }, scale: 1)
        let image = discs(1)[0].image
        let (base, adapted) = (Predictor(tinyModel), Predictor(tinyModel, adjustment: adjustment))
        let (one, other) = (base.embed(image), adapted.embed(image))
        #expect(one.tensor.elements == other.tensor.elements)
        let prompts = [Prompt.none, Prompt(points: [.init(x: 5, y: 9, isForeground: true)])]
        let masks = try zip(base.predict(one, prompts), adapted.predict(other, prompts))
        for (first, second) in masks {
            #expect(first[0].lowResolutionLogits.elements == second[0].lowResolutionLogits.elements)
        }
    }

    @Test func downFactorsAreRandomWithinTheirBoundAndSeeded() {
        let layout = AdapterLayout(kind: .lora, rank: 4, lastBlocks: nil, model: tinyModel)
        let start = layout.start(model: tinyModel, seed: 5)
        let bound = 1 / Float(Self.configuration.width).squareRoot()
        for (entry, tensor) in zip(layout.entries, start) {
            switch entry.role {
            case .down:
                #expect(tensor.elements.allSatisfy { abs($0) <= bound })
                #expect(Set(tensor.elements).count > tensor.count / 2)
            case .up: #expect(tensor.elements.allSatisfy { $0 == 0 })
            case .override, .labels: Issue.record("LoRA of one label replaces nothing")
            }
        }
        #expect(layout.start(model: tinyModel, seed: 5)[0].elements == start[0].elements)
        #expect(layout.start(model: tinyModel, seed: 6)[0].elements != start[0].elements)
        // Two factors of one adapter are not the same numbers.
        #expect(start[0].elements != start[2].elements)
    }
}
