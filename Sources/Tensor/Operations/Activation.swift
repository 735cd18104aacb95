/// What `linear` may apply to its result in the same pass.
package enum Activation: Sendable {
    case none, gelu, relu
}

/// The exact Gaussian error linear unit, `x/2 (1 + erf(x / √2))` (Hendrycks & Gimpel 2016), not the tanh form.
package func gelu(_ x: Value) -> Value {
    let input = x.tensor
    let output = Tensor.elementwise(input.shape) { sink, range in
        Kernels.best.gelu(sink + range.lowerBound, input.base + range.lowerBound, range.count)
    }
    return .operation(output, inputs: [x]) { gradient in
        let result = Tensor.elementwise(input.shape) { sink, range in
            let start = range.lowerBound
            Kernels.best.geluBackward(sink + start, x: input.base + start, gradient.base + start, range.count)
        }
        return [result]
    }
}

package func relu(_ x: Value) -> Value {
    let input = x.tensor
    let output = Tensor.elementwise(input.shape) { sink, range in
        Kernels.best.relu(sink + range.lowerBound, input.base + range.lowerBound, range.count)
    }
    return .operation(output, inputs: [x]) { gradient in
        let result = Tensor.elementwise(output.shape) { sink, range in
            let start = range.lowerBound
            Kernels.best.reluBackward(sink + start, out: output.base + start, gradient.base + start, range.count)
        }
        return [result]
    }
}
