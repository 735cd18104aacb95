package import Tensor

/// AdamW over all tensors of an adapter: a peak learning rate each, one schedule, gradients clipped by their norm.
package struct Optimizer: Sendable {
    /// The largest norm of all gradients together; longer ones are scaled down to it.
    package static let largestNorm = 1.0

    package let schedule: LearningRateSchedule
    let rates: [Float]
    private let weightDecay: Float
    package private(set) var moments: [AdamWMoments]

    /// - Parameters:
    ///   - rates: Peak learning rate of each tensor.
    ///   - moments: One pair per tensor, zero at the start of a run.
    package init(schedule: LearningRateSchedule, rates: [Float], weightDecay: Float, moments: [AdamWMoments]) {
        precondition(rates.count == moments.count, "one rate and one pair of moments per tensor")
        self.schedule = schedule
        self.rates = rates
        self.weightDecay = weightDecay
        self.moments = moments
    }

    /// The tensors after `step`, counted from 0. Nil when a gradient is not finite; nothing has changed then.
    package mutating func update(_ tensors: [Tensor], gradients: [Tensor], step: Int) -> [Tensor]? {
        precondition(tensors.count == rates.count && gradients.count == rates.count, "one gradient per tensor")
        let norm = Self.norm(gradients)
        guard norm.isFinite else { return nil }
        let shrink = norm > Self.largestNorm ? Float(Self.largestNorm / norm) : 1
        let factor = schedule.factor(at: step)
        return tensors.indices.map { index in
            let gradient = shrink == 1 ? gradients[index] : Self.scaled(gradients[index], by: shrink)
            let rule = AdamW(learningRate: rates[index] * factor, weightDecay: weightDecay)
            return rule.step(tensors[index], gradient: gradient, moments: &moments[index])
        }
    }

    /// The Euclidean norm of all gradients together, summed in order and in double precision.
    package static func norm(_ gradients: [Tensor]) -> Double {
        var sum = 0.0
        for gradient in gradients {
            gradient.withUnsafeElements { elements in
                for element in elements { sum += Double(element) * Double(element) }
            }
        }
        return sum.squareRoot()
    }

    private static func scaled(_ tensor: Tensor, by factor: Float) -> Tensor {
        tensor.withUnsafeElements { elements in Tensor(shape: tensor.shape, elements.map { $0 * factor }) }
    }
}

extension Optimizer {
    /// How much faster than the factors the rows of labels go, and the rate that they do not exceed: they start alike and must
    /// part within few steps, or all labels answer with one mask (docs/adaptation.md).
    private static let labelHaste: Float = 10
    private static let labelLimit: Float = 0.05

    /// The optimiser of a recipe: low-rank factors, replaced tensors and rows of labels have learning rates of their own.
    package init(layout: AdapterLayout, settings: AdaptationSettings, moments: [AdamWMoments]? = nil) {
        self.init(
            schedule: LearningRateSchedule(steps: settings.steps),
            rates: layout.entries.map { entry in
                switch entry.role {
                case .down, .up: settings.learningRate
                case .override: settings.decoderLearningRate
                case .labels: min(Self.labelHaste * settings.learningRate, max(Self.labelLimit, settings.learningRate))
                }
            },
            weightDecay: settings.weightDecay,
            moments: moments ?? layout.entries.map { AdamWMoments(like: Tensor(zeros: $0.shape)) })
    }
}
