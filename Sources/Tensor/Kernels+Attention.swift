import CKernels

/// One head of one image or window, as the kernels take it: tokens `stride` floats apart.
package struct AttentionHead {
    var task: CKernels.attention

    /// Shared by forward and backward: `logSums` is written by the former and read by the latter.
    package init(
        q: (Kernels.Input, stride: Int), k: (Kernels.Input, stride: Int), v: (Kernels.Input, stride: Int),
        out: (Kernels.Output, stride: Int), logSums: Kernels.Output?, queries: Int, keys: Int, depth: Int,
        valueDepth: Int, scale: Float
    ) {
        task = CKernels.attention(
            q: q.0, k: k.0, v: v.0, out: out.0, log_sums: logSums, q_stride: q.stride, k_stride: k.stride,
            v_stride: v.stride, out_stride: out.stride, queries: queries, keys: keys, depth: depth,
            value_depth: valueDepth, scale: scale, rel_height: nil, rel_width: nil, height: 0, width: 0, first_query: 0,
            line: 0, present_height: 0, present_width: 0, k_padding: nil, v_padding: nil)
    }

    /// Adds decomposed relative positions: `heights` is `[2 * height - 1, depth]`, `widths` `[2 * width - 1, depth]`.
    package mutating func setPositions(
        heights: Kernels.Input, widths: Kernels.Input, height: Int, width: Int, firstQuery: Int
    ) {
        precondition(height * width == task.keys, "the keys are not a \(height) by \(width) grid")
        task.rel_height = heights
        task.rel_width = widths
        task.height = height
        task.width = width
        task.first_query = firstQuery
    }

    /// Makes the grid of keys a window of a map: its tokens lie in lines `line` tokens apart, and only the first `width`
    /// of the first `height` lines exist. The others have the padding as their key and value, and do not ask.
    package mutating func setWindow(
        line: Int, height: Int, width: Int, keyPadding: Kernels.Input, valuePadding: Kernels.Input
    ) {
        precondition(
            line >= width && 1...max(1, task.height) ~= height && 1...max(1, task.width) ~= width
                && height * width == task.queries && task.first_query == 0,
            "\(task.queries) queries are not \(height) x \(width) of \(task.height) x \(task.width)")
        task.line = line
        task.present_height = height
        task.present_width = width
        task.k_padding = keyPadding
        task.v_padding = valuePadding
    }
}

/// Where one head's gradients are added.
package struct AttentionHeadGradients {
    var gradients: attention_gradients

    package init(
        out: (Kernels.Input, stride: Int), q: (Kernels.Output, stride: Int), k: (Kernels.Output, stride: Int),
        v: (Kernels.Output, stride: Int), heights: Kernels.Output?, widths: Kernels.Output?,
        keyPadding: Kernels.Output? = nil, valuePadding: Kernels.Output? = nil
    ) {
        gradients = attention_gradients(
            d_out: out.0, d_q: q.0, d_k: k.0, d_v: v.0, d_out_stride: out.stride, d_q_stride: q.stride,
            d_k_stride: k.stride, d_v_stride: v.stride, d_rel_height: heights, d_rel_width: widths,
            d_k_padding: keyPadding, d_v_padding: valuePadding)
    }
}
