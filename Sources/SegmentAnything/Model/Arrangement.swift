import Tensor

/// How a weight of the state dict is laid out for kernels that hold channels last.
///
/// Differentiable, so that a weight under training is arranged anew in each graph; frozen weights are arranged once.
enum Arrangement: Sendable {
    /// A convolution `[out, in, k, k]` as the matrix `[out, k*k*in]` of a linear layer over patches ordered (dy, dx, c).
    case patches
    /// A transposed convolution `[in, out, k, k]` as the matrix `[k*k*out, in]`, whose rows depth-to-space spreads.
    case spreadPatches
    /// The bias `[out]` of a transposed convolution, once for each of its `k*k` positions.
    case spreadBias(times: Int)
    /// A table of relative positions `[L, c]`, interpolated to `length` rows. Not differentiable where it interpolates.
    case table(length: Int)

    func callAsFunction(_ weight: Value) -> Value {
        let shape = weight.shape
        switch self {
        case .patches:
            return permuted(weight, [0, 2, 3, 1]).reshaped([shape[0], shape[1] * shape[2] * shape[3]])
        case .spreadPatches:
            return permuted(weight, [2, 3, 1, 0]).reshaped([shape[1] * shape[2] * shape[3], shape[0]])
        case .spreadBias(let times):
            return repeated(weight.reshaped([1, shape[0]]), times: times).reshaped([times * shape[0]])
        case .table(let length):
            return shape[0] == length ? weight : Value(resizeLinear(weight.tensor, length: length))
        }
    }
}

extension Configuration {
    /// The parameters whose layout in the state dict is not the one that is computed with.
    var arrangements: [(name: String, Arrangement)] {
        var list: [(name: String, Arrangement)] = [
            ("image_encoder.patch_embed.proj.weight", .patches),
            ("image_encoder.neck.0.weight", .patches),
            ("image_encoder.neck.2.weight", .patches),
            ("prompt_encoder.mask_downscaling.0.weight", .patches),
            ("prompt_encoder.mask_downscaling.3.weight", .patches),
            ("prompt_encoder.mask_downscaling.6.weight", .patches),
            ("mask_decoder.output_upscaling.0.weight", .spreadPatches),
            ("mask_decoder.output_upscaling.0.bias", .spreadBias(times: 4)),
            ("mask_decoder.output_upscaling.3.weight", .spreadPatches),
            ("mask_decoder.output_upscaling.3.bias", .spreadBias(times: 4)),
        ]
        for index in 0..<depth {
            let table = Arrangement.table(length: 2 * attentionSide(block: index) - 1)
            list.append(("image_encoder.blocks.\(index).attn.rel_pos_h", table))
            list.append(("image_encoder.blocks.\(index).attn.rel_pos_w", table))
        }
        return list
    }
}

/// `x` with its axes in the given order, as numpy's transpose: axis `i` of the result is axis `axes[i]` of `x`.
func permuted(_ x: Value, _ axes: [Int]) -> Value {
    let inverse = axes.indices.map { axis in axes.firstIndex(of: axis) ?? axis }
    return Value.operation(permuted(x.tensor, axes), inputs: [x]) { gradient in [permuted(gradient, inverse)] }
}

private func permuted(_ x: Tensor, _ axes: [Int]) -> Tensor {
    precondition(axes.sorted() == Array(x.shape.indices), "\(axes) is no order of \(x.shape.count) axes")
    var strides = [Int](repeating: 1, count: x.shape.count)
    for axis in strides.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * x.shape[axis + 1] }
    let shape = axes.map { x.shape[$0] }
    let steps = axes.map { strides[$0] }
    return x.withUnsafeElements { source in
        Tensor(shape: shape) { target in
            var position = [Int](repeating: 0, count: shape.count)
            var offset = 0
            for index in target.indices {
                target[index] = source[offset]
                // An odometer: the last axis turns fastest.
                for axis in shape.indices.reversed() {
                    position[axis] += 1
                    offset += steps[axis]
                    if position[axis] < shape[axis] { break }
                    offset -= position[axis] * steps[axis]
                    position[axis] = 0
                }
            }
        }
    }
}
