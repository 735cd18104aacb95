import CKernels
import Glibc

/// The vector kernels of one instruction set.
///
/// Sizes are the caller's duty: the operations check shapes before they come here.
package struct Kernels: @unchecked Sendable {
    // Invariant: the table is constant data.
    let table: UnsafePointer<CKernels.kernels>

    private init(_ table: UnsafePointer<CKernels.kernels>) { self.table = table }

    /// What this machine can run, slowest first.
    package static let available: [Kernels] = (0..<kernels_count()).compactMap { kernels_row($0).map(Kernels.init) }

    /// What operations use: the fastest, or the one that the environment variable `GMISEG_KERNELS` names (`portable`,
    /// `avx2`, `avx512`), to compare or to narrow down a fault.
    package static let best: Kernels = {
        let wanted = getenv("GMISEG_KERNELS").map { String(cString: $0) }
        guard let best = available.first(where: { $0.name == wanted }) ?? available.last else {
            fatalError("the kernel table is empty")
        }
        return best
    }()

    package var name: String { String(cString: table.pointee.name) }

    /// Floats of one vector: the size about which tests go odd.
    package var lanes: Int { table.pointee.lanes }

    package typealias Input = UnsafePointer<Float>
    package typealias Output = UnsafeMutablePointer<Float>

    // MARK: Elementwise

    package func add(_ out: Output, _ a: Input, _ b: Input, _ count: Int) { table.pointee.add(out, a, b, count) }

    package func subtract(_ out: Output, _ a: Input, _ b: Input, _ count: Int) {
        table.pointee.subtract(out, a, b, count)
    }

    package func multiply(_ out: Output, _ a: Input, _ b: Input, _ count: Int) {
        table.pointee.multiply(out, a, b, count)
    }

    package func scale(_ out: Output, _ a: Input, by factor: Float, _ count: Int) {
        table.pointee.scale(out, a, factor, count)
    }

    /// `out += factor * a`
    package func addScaled(_ out: Output, _ a: Input, by factor: Float, _ count: Int) {
        table.pointee.add_scaled(out, a, factor, count)
    }

    package func sum(_ a: Input, _ count: Int) -> Double { table.pointee.sum(a, count) }

    /// `out[c] += sum over rows of a[r, c]`
    package func addColumnSums(_ out: Output, _ a: Input, rows: Int, columns: Int) {
        table.pointee.add_column_sums(out, a, rows, columns)
    }

    /// `x = activation(x + bias)`, by rows, in place.
    package func bias(_ x: Output, _ bias: Input?, rows: Int, columns: Int, activation: Activation) {
        table.pointee.bias_rows(x, bias, rows, columns, Int32(activation.code))
    }

    package func gelu(_ out: Output, _ x: Input, _ count: Int) { table.pointee.gelu(out, x, count) }

    package func geluBackward(_ gradient: Output, x: Input, _ upstream: Input, _ count: Int) {
        table.pointee.gelu_backward(gradient, x, upstream, count)
    }

    package func relu(_ out: Output, _ x: Input, _ count: Int) { table.pointee.relu(out, x, count) }

    package func reluBackward(_ gradient: Output, out: Input, _ upstream: Input, _ count: Int) {
        table.pointee.relu_backward(gradient, out, upstream, count)
    }

    // MARK: Rows

    /// Layer normalisation of `rows` rows; `mean` and `reciprocalDeviation` are kept for the backward pass if given.
    package func layerNorm(
        _ out: Output, mean: Output?, reciprocalDeviation: Output?, _ x: Input, weight: Input, bias: Input, rows: Int,
        columns: Int, epsilon: Float
    ) {
        table.pointee.layer_norm(out, mean, reciprocalDeviation, x, weight, bias, rows, columns, epsilon)
    }

    /// Overwrites `gradient`, adds to `weightGradient` and `biasGradient`; each may be absent.
    package func layerNormBackward(
        _ gradient: Output?, weightGradient: Output?, biasGradient: Output?, x: Input, weight: Input, mean: Input,
        reciprocalDeviation: Input, _ upstream: Input, rows: Int, columns: Int
    ) {
        table.pointee.layer_norm_backward(
            gradient, weightGradient, biasGradient, x, weight, mean, reciprocalDeviation, upstream, rows, columns)
    }

    /// The softmax down the middle axis of `x`, `[rows, groups, width]`, in place.
    package func softmaxGroups(_ x: Output, rows: Int, groups: Int, width: Int) {
        table.pointee.softmax_groups(x, rows, groups, width)
    }

    // MARK: Attention

    /// One head's attention; see `struct attention`.
    package func attention(_ head: AttentionHead) {
        var task = head.task
        withScratch(table.pointee.attention_scratch(&task)) { table.pointee.attention(&task, $0) }
    }

    /// Adds one head's gradients to `gradients`.
    package func attentionBackward(_ head: AttentionHead, _ gradients: AttentionHeadGradients) {
        var (task, gradients) = (head.task, gradients.gradients)
        withScratch(table.pointee.attention_backward_scratch(&task)) { scratch in
            table.pointee.attention_backward(&task, &gradients, scratch)
        }
    }

    // MARK: Storage formats

    package func floats(_ out: Output, fromHalf a: UnsafePointer<UInt16>, _ count: Int) {
        table.pointee.float_from_half(out, a, count)
    }

    package func halves(_ out: UnsafeMutablePointer<UInt16>, fromFloat a: Input, _ count: Int) {
        table.pointee.half_from_float(out, a, count)
    }

    package func floats(_ out: Output, fromBfloat a: UnsafePointer<UInt16>, _ count: Int) {
        table.pointee.float_from_bfloat(out, a, count)
    }

    // MARK: Optimiser

    /// One AdamW step in place; `corrections` are 1 / (1 - beta^step).
    package func adamW(
        _ parameter: Output, first: Output, second: Output, gradient: Input, _ count: Int, settings: AdamW,
        corrections: (first: Float, second: Float)
    ) {
        table.pointee.adamw(
            parameter, first, second, gradient, count, settings.learningRate, settings.beta1, settings.beta2,
            settings.epsilon, settings.weightDecay, corrections.first, corrections.second)
    }
}

extension Activation {
    var code: Int {
        switch self {
        case .none: ACTIVATION_NONE
        case .gelu: ACTIVATION_GELU
        case .relu: ACTIVATION_RELU
        }
    }
}
