import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// Gradients of a low-rank adaptation and of the mask decoder, against PyTorch's autograd.
@Suite struct GradientParityTests {
    static let tolerance: Float = 1e-3

    /// A model with every block adapted and the whole decoder under training, as the fixture has it.
    struct Setting {
        let reference: Reference
        let model: SegmentAnythingModel
        let trained: [String: Value]
        let adjustment: Adjustment

        init() throws {
            let reference = try Reference("gradients")
            let model = try reference.model()
            let factor = try reference.tensor("scale").elements[0]
            var trained: [String: Value] = [:]
            var adjustment = Adjustment.none
            for block in 0..<model.configuration.depth {
                let factors = try ["q_down", "q_up", "v_down", "v_up"].map { part in
                    let value = Value.parameter(try reference.tensor("lora.\(block).\(part)"))
                    trained["lora.\(block).\(part)"] = value
                    return value
                }
                adjustment.lowRank[block] = LowRankUpdate(
                    qDown: factors[0], qUp: factors[1], vDown: factors[2], vUp: factors[3], scale: factor)
            }
            for name in model.parameterNames where name.hasPrefix("mask_decoder.") {
                let value = Value.parameter(model.parameter(name).tensor)
                trained[name] = value
                adjustment.overrides[name] = value
            }
            self.reference = reference
            self.model = model
            self.trained = trained
            self.adjustment = adjustment
        }

        func forward(_ checkpointing: Checkpointing) throws -> (embedding: Value, logits: Value, iou: Value) {
            let image = Preprocessor(side: model.configuration.imageSize)(try reference.image())
            let box = try reference.tensor("box").elements
            let prompt = Prompt(box: Prompt.Box(x0: box[0], y0: box[1], x1: box[2], y1: box[3]))
            let encoder = ImageEncoder(model, adjustment: adjustment, checkpointing: checkpointing)
            let embedding = encoder(Value(image.pixels))
            let encoded = PromptEncoder(model, adjustment: adjustment)([prompt], geometry: image.geometry)
            let (logits, iou) = MaskDecoder(model, adjustment: adjustment)(embedding, encoded)
            return (embedding, logits, iou)
        }

        /// The largest relative difference over all trained tensors of the gradient that the fixture calls `label`.
        func compare(_ found: [String: Tensor], label: String) throws -> Float {
            var worst: Float = 0
            for (name, gradient) in found.sorted(by: { $0.key < $1.key }) {
                let key = "gradient.\(label).\(name)"
                guard reference.has(key) else {
                    // Nothing of the loss reaches this tensor.
                    #expect(gradient.elements.allSatisfy { $0 == 0 }, "\(name)")
                    continue
                }
                let expected = try reference.tensor(key).elements
                // A key's bias moves all scores of a query alike, which softmax does not see: its gradient is zero but
                // for rounding, so it is measured against that of the weight beside it.
                let scale = name.hasSuffix("k_proj.bias") ? String(key.dropLast(4)) + "weight" : key
                let magnitude = try reference.tensor(scale).elements.map { abs($0) }.max() ?? 0
                let error = relativeError(gradient.elements, expected, floor: max(magnitude, 1e-6))
                #expect(error < GradientParityTests.tolerance, "\(name)")
                worst = max(worst, error)
            }
            return worst
        }

        func trainedGradients(of loss: Value) -> [String: Tensor] {
            let names = trained.keys.sorted()
            let found = gradients(of: loss, for: names.compactMap { trained[$0] })
            return Dictionary(uniqueKeysWithValues: zip(names, found))
        }
    }

    @Test func adaptedForwardMatches() throws {
        let setting = try Setting()
        let (embedding, logits, iou) = try setting.forward(Checkpointing(beyond: 0))
        #expect(relativeError(embedding.tensor, try setting.reference.tensor("embedding")) < 1e-4)
        let expected = try setting.reference.tensor("logits")
        #expect(relativeError(logits.tensor.reshaped(expected.shape), expected) < 1e-4)
        #expect(relativeError(iou.tensor.elements, try setting.reference.tensor("iou").elements) < 1e-4)
    }

    @Test(arguments: [0, Int.max]) func gradientsOfTheLossMatch(_ keptBytes: Int) throws {
        let setting = try Setting()
        let (_, logits, _) = try setting.forward(Checkpointing(beyond: keptBytes))
        let truth = try setting.reference.tensor("truth")
        let single = slice(logits, axis: 1, 0..<1).reshaped([truth.count])
        let loss = focalAndDice(single, truth: truth.elements)
        let expected = try setting.reference.tensor("loss").elements[0]
        #expect(abs(loss.tensor.elements[0] - expected) < 1e-4 * abs(expected))
        let worst = try setting.compare(setting.trainedGradients(of: loss), label: "loss")
        print("gradients of focal + dice, \(keptBytes) bytes kept: largest relative difference \(worst)")
    }

    /// Every output weighted at random: reaches the other masks' hypernetworks and the IoU head too.
    @Test func gradientsOfAFunctionalOfAllOutputsMatch() throws {
        let setting = try Setting()
        let (_, logits, iou) = try setting.forward(Checkpointing(beyond: 0))
        let logitWeights = Value(try setting.reference.tensor("logit_weights").reshaped(logits.shape))
        let iouWeights = Value(try setting.reference.tensor("iou_weights").reshaped(iou.shape))
        let functional = (logits * logitWeights).sum() + (iou * iouWeights).sum()
        let found = setting.trainedGradients(of: functional)
        for name in found.keys { #expect(setting.reference.has("gradient.functional.\(name)"), "\(name)") }
        let worst = try setting.compare(found, label: "functional")
        print("gradients of a functional: largest relative difference \(worst)")
    }
}

/// The fixture's loss with its derivative written out: focal (α 0.25, γ 2, mean) plus dice smoothed by 1.
private func focalAndDice(_ logits: Value, truth: [Float]) -> Value {
    let values = logits.tensor.elements.map { Double($0) }
    let truth = truth.map { Double($0) }
    let probabilities = values.map { 1 / (1 + exponential(-$0)) }
    var focal = 0.0
    for (probability, target) in zip(probabilities, truth) {
        let agreement = target == 1 ? probability : 1 - probability
        focal += (target == 1 ? 0.25 : 0.75) * (1 - agreement) * (1 - agreement) * -logarithm(agreement)
    }
    let count = Double(truth.count)
    let overlap = 2 * zip(probabilities, truth).map { $0 * $1 }.reduce(0, +) + 1
    let total = probabilities.reduce(0, +) + truth.reduce(0, +) + 1
    let loss = focal / count + 1 - overlap / total
    return Value.operation(Tensor(shape: [1], [Float(loss)]), inputs: [logits]) { gradient in
        let upstream = Double(gradient.elements[0])
        let slopes = zip(probabilities, truth).map { probability, target -> Float in
            let agreement = target == 1 ? probability : 1 - probability
            let rest = 1 - agreement
            // d/da of (1 - a)² · -ln a, and da/dlogit = ± a (1 - a).
            let byAgreement = 2 * rest * logarithm(agreement) - rest * rest / agreement
            let sign = target == 1 ? 1.0 : -1.0
            let focalSlope = (target == 1 ? 0.25 : 0.75) * byAgreement * sign * agreement * rest / count
            let diceSlope = -(2 * target * total - overlap) / (total * total) * probability * (1 - probability)
            return Float(upstream * (focalSlope + diceSlope))
        }
        return [Tensor(shape: [slopes.count], slopes)]
    }
}
