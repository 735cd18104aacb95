import Glibc
package import Tensor

/// `focalWeight · focal + diceWeight · dice` (paper §3.3, both weights 1), and, where the decoder trains, the squared
/// error of its quality head.
///
/// With p the sigmoid of a logit, t the truth and w the weight of a cell:
/// - focal (Lin et al., ICCV 2017, without class weights, extended to fractional truth as |t - p|):
///   `Σ w (t - p)² BCE(p, t) / Σ w`;
/// - dice: `1 - (2 Σ w p t + 1) / (Σ w p + Σ w t + 1)`; the 1 keeps it defined for objects that the grid cannot show;
/// - quality: `(q - IoU)²`, q the head's output for mask 0, IoU that of the thresholded mask, a constant (SAM §A).
package struct MaskLoss: Sendable {
    package var focalWeight: Float = 1
    package var diceWeight: Float = 1
    package var qualityWeight: Float = 0

    package init(focalWeight: Float = 1, diceWeight: Float = 1, qualityWeight: Float = 0) {
        self.focalWeight = focalWeight
        self.diceWeight = diceWeight
        self.qualityWeight = qualityWeight
    }

    /// The loss of mask 0, a value of one element.
    ///
    /// - Parameters:
    ///   - logits: `[1, masks, side, side]`.
    ///   - quality: `[1, masks]`, the predicted IoU.
    package func callAsFunction(logits: Value, quality: Value, target: MaskTarget) -> Value {
        let cells = target.side * target.side
        let (logitShape, qualityShape) = (logits.tensor.shape, quality.tensor.shape)
        precondition(
            logitShape.count == 4 && logitShape[0] == 1 && logitShape[2] == target.side, "logits \(logitShape)")
        precondition(qualityShape.count == 2 && qualityShape[0] == 1, "quality \(qualityShape)")
        let predicted = quality.tensor.withUnsafeElements { $0[0] }
        let (loss, slopes, qualityError) = logits.tensor.withUnsafeElements { all in
            evaluate(UnsafeBufferPointer(rebasing: all[0..<cells]), predicted, target)
        }
        let weight = qualityWeight
        return Value.operation(
            Tensor(shape: [1], [loss]), inputs: [logits, quality],
            backward: { upstream in
                let scale = upstream.withUnsafeElements { $0[0] }
                var logitGradient = [Float](repeating: 0, count: logitShape.reduce(1, *))
                for index in 0..<cells { logitGradient[index] = scale * slopes[index] }
                guard weight != 0 else { return [Tensor(shape: logitShape, logitGradient), nil] }
                var qualityGradient = [Float](repeating: 0, count: qualityShape.reduce(1, *))
                qualityGradient[0] = scale * weight * 2 * qualityError
                return [Tensor(shape: logitShape, logitGradient), Tensor(shape: qualityShape, qualityGradient)]
            })
    }

    /// The loss, its slope by each logit, and the quality head's error, from one pass for the sums and one for the slopes.
    private func evaluate(_ logits: UnsafeBufferPointer<Float>, _ predictedIoU: Float, _ target: MaskTarget) -> (
        loss: Float, slopes: [Float], qualityError: Float
    ) {
        var probabilities = [Float](repeating: 0, count: logits.count)
        var crossEntropies = probabilities
        var (area, focal, overlap, predicted, marked) = (0.0, 0.0, 0.0, 0.0, 0.0)
        var (intersection, union) = (0, 0)
        for index in 0..<logits.count {
            let (logit, truth, weight) = (logits[index], target.truth[index], target.weight[index])
            // exp of a negative number only: neither overflows nor cancels.
            let decay = expf(-abs(logit))
            let probability = (logit >= 0 ? 1 : decay) / (1 + decay)
            let crossEntropy = max(logit, 0) - logit * truth + log1pf(decay)
            probabilities[index] = probability
            crossEntropies[index] = crossEntropy
            area += Double(weight)
            focal += Double(weight * (truth - probability) * (truth - probability) * crossEntropy)
            overlap += Double(weight * probability * truth)
            predicted += Double(weight * probability)
            marked += Double(weight * truth)
            guard weight > 0 else { continue }
            let (isPredicted, isMarked) = (logit > 0, truth >= 0.5)
            if isPredicted && isMarked { intersection += 1 }
            if isPredicted || isMarked { union += 1 }
        }
        area = max(area, 1)
        let (numerator, denominator) = (2 * overlap + 1, predicted + marked + 1)
        let dice = 1 - numerator / denominator

        let focalScale = focalWeight / Float(area)
        let overlapSlope = diceWeight * Float(-2 / denominator)
        let sizeSlope = diceWeight * Float(numerator / (denominator * denominator))
        var slopes = [Float](repeating: 0, count: logits.count)
        for index in 0..<logits.count {
            let (truth, weight) = (target.truth[index], target.weight[index])
            let probability = probabilities[index]
            let (error, spread) = (probability - truth, probability * (1 - probability))
            let focalSlope = error * (2 * spread * crossEntropies[index] + error * error)
            let diceSlope = (overlapSlope * truth + sizeSlope) * spread
            slopes[index] = weight * (focalScale * focalSlope + diceSlope)
        }
        let qualityError = predictedIoU - (union == 0 ? 1 : Float(intersection) / Float(union))
        let loss =
            focalWeight * Float(focal / area) + diceWeight * Float(dice)
            + qualityWeight * qualityError * qualityError
        return (loss, slopes, qualityError)
    }
}
