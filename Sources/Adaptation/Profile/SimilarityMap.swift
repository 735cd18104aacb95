import Imaging
package import SegmentAnything
package import Tensor

/// Similarities to a support set's prototypes on one image, and the prompts that they make.
package struct SimilarityMap: Sendable {
    /// Log-odds of each token, `[g, g]`; what lies on the padding is far below 0.
    package let values: [Float]
    /// Of each token the share that is image, `[g, g]`.
    package let weight: [Float]
    package let geometry: ImageGeometry
    let side: Int

    private static let nowhere: Float = -30

    /// - Parameters:
    ///   - similarities: Log-odds of each token of `embedding`, `[g, g]`.
    package init(_ similarities: [Float], _ embedding: ImageEmbedding) {
        let side = embedding.tensor.shape[1]
        let frame = MaskTarget.frame(embedding.geometry, side: side)
        let values = zip(similarities, frame).map { $1 > 0 ? $0 : SimilarityMap.nowhere }
        self.init(values: values, weight: frame, geometry: embedding.geometry, side: side)
    }

    private init(values: [Float], weight: [Float], geometry: ImageGeometry, side: Int) {
        self.values = values
        self.weight = weight
        self.geometry = geometry
        self.side = side
    }

    /// The same with every similarity lower by `shift`.
    package func lowered(by shift: Float) -> SimilarityMap {
        SimilarityMap(
            values: zip(values, weight).map { $1 > 0 ? $0 - shift : $0 }, weight: weight, geometry: geometry, side: side
        )
    }

    /// The similarities as logits of the decoder's size, `[4g, 4g]`. On the padding they go on as the last tokens of the image, so that
    /// nothing bleeds in from there.
    package func logits(_ model: Configuration) -> Tensor {
        let lastColumn = (0..<side).last { weight[$0] > 0 } ?? 0
        let lastRow = (0..<side).last { weight[$0 * side] > 0 } ?? 0
        let tokens = values.indices.map { token in
            values[min(token / side, lastRow) * side + min(token % side, lastColumn)]
        }
        return Prompt.maskLogits(tokens: tokens, model: model)
    }

    /// The mask that the map itself draws, with the overlap that its own probabilities let expect.
    package func prediction(_ model: Configuration) -> MaskPrediction {
        let logits = logits(model)
        let inside = zip(logits.elements, frame(model)).filter { $0.1 > 0 }.map(\.0)
        return MaskPrediction(
            lowResolutionLogits: logits, predictedIoU: MaskSpread.expectedIoU(inside), index: 0, geometry: geometry)
    }

    /// As a mask prompt: between −8 and 8, as beyond the decoder never saw any, and nothing on the padding.
    private func maskPrompt(_ model: Configuration) -> Prompt {
        let logits = logits(model)
        let bounded = zip(logits.elements, frame(model)).map { $1 > 0 ? min(max($0, -8), 8) : -8 }
        return Prompt(maskLogits: Tensor(shape: logits.shape, bounded))
    }

    /// Of each of the decoder's cells the share that is image.
    private func frame(_ model: Configuration) -> [Float] { MaskTarget.frame(geometry, side: model.logitsSide) }

    /// What `route` tells the decoder; nil where it does without, or is none of this map.
    package func prompt(_ route: PromptlessRoute, _ model: Configuration) -> Prompt? {
        switch route {
        case .model, .blend: return Prompt.none
        case .map, .pixels: return nil
        case .mask: return maskPrompt(model)
        case .box: return Prompt(box: box)
        case .point:
            let peak = peakToken
            let place = pixel(column: peak % side, row: peak / side)
            return Prompt(points: [Prompt.Point(x: place.x, y: place.y, isForeground: true)])
        }
    }

    private var peakToken: Int {
        values.indices.filter { weight[$0] > 0 }.max { values[$0] < values[$1] } ?? 0
    }

    /// The extent of the region with the largest sum of positive similarities; around the peak when none is positive.
    private var box: Prompt.Box {
        let peak = values[peakToken]
        let marked = zip(values, weight).map { $1 > 0 && $0 > min(0, peak - 0.5) ? UInt8(1) : 0 }
        let regions = Mask(width: side, height: side, pixels: marked).components(.eight)
        var sums = [Float](repeating: 0, count: regions.components.count + 1)
        for (token, label) in regions.labels.enumerated() where label > 0 {
            // A region found only by its peak still counts for a little.
            sums[Int(label)] += max(values[token], 1e-3)
        }
        let best = regions.components.max { sums[Int($0.label)] < sums[Int($1.label)] }
        let extent = best?.boundingBox ?? PixelBox(x0: 0, y0: 0, x1: side - 1, y1: side - 1)
        let (first, last) = (
            pixel(column: extent.x0, row: extent.y0, corner: -0.5),
            pixel(column: extent.x1, row: extent.y1, corner: 0.5)
        )
        return Prompt.Box(x0: first.x, y0: first.y, x1: last.x, y1: last.y)
    }

    /// The place of a token's middle, or of a corner half a token away, in pixels of the original image.
    private func pixel(column: Int, row: Int, corner: Float = 0) -> (x: Float, y: Float) {
        func place(_ token: Int, resized: Int, original: Int) -> Float {
            let input = (Float(token) + 0.5 + corner) * Float(geometry.side) / Float(side)
            let pixel = input * Float(original) / Float(resized) - 0.5
            return min(max(pixel.rounded(), 0), Float(original - 1))
        }
        return (
            place(column, resized: geometry.resizedWidth, original: geometry.originalWidth),
            place(row, resized: geometry.resizedHeight, original: geometry.originalHeight)
        )
    }
}
