import Glibc

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).
package struct AdamW: Sendable, Equatable {
    package var learningRate: Float
    package var beta1: Float
    package var beta2: Float
    package var epsilon: Float
    package var weightDecay: Float

    package init(
        learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// The parameter after one step along `gradient`; `moments` advance with it.
    package func step(_ parameter: Tensor, gradient: Tensor, moments: inout AdamWMoments) -> Tensor {
        precondition(
            parameter.shape == gradient.shape && parameter.shape == moments.first.shape
                && parameter.shape == moments.second.shape, "a gradient of \(gradient.shape) for \(parameter.shape)")
        moments.step += 1
        let corrections = (
            first: 1 / (1 - powf(beta1, Float(moments.step))), second: 1 / (1 - powf(beta2, Float(moments.step)))
        )
        var result = parameter
        result.mutate { parameter in
            moments.first.mutate { first in
                moments.second.mutate { second in
                    Kernels.best.adamW(
                        parameter, first: first, second: second, gradient: gradient.base, gradient.count,
                        settings: self, corrections: corrections)
                }
            }
        }
        return result
    }
}

/// Running means of the gradient and of its square, and how many steps they have seen.
package struct AdamWMoments: Sendable {
    package var first: Tensor
    package var second: Tensor
    package var step: Int

    package init(like parameter: Tensor) {
        self.init(first: Tensor(zeros: parameter.shape), second: Tensor(zeros: parameter.shape), step: 0)
    }

    /// Moments read back from a checkpoint.
    package init(first: Tensor, second: Tensor, step: Int) {
        self.first = first
        self.second = second
        self.step = step
    }
}
