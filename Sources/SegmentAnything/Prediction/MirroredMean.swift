import Tensor

extension MaskPrediction {
    /// The mean of this answer's logits and those of an answer on the image's mirror image, mirrored back, at the image's own
    /// size: what the model sees in one of the two alone counts half.
    ///
    /// Its logits are a number a pixel, in a square of the image's longer side; they are no mask prompt.
    package func averaged(withMirrored other: MaskPrediction) -> MaskPrediction {
        let (width, height) = (geometry.originalWidth, geometry.originalHeight)
        precondition(
            other.geometry.originalWidth == width && other.geometry.originalHeight == height,
            "the mirror image of another image")
        let mirrored = other.logits()
        return inPixels(predictedIoU: (predictedIoU + other.predictedIoU) / 2) { own, x, y in
            (own + mirrored[y * width + width - 1 - x]) / 2
        }
    }

    /// The same with one logit a pixel of the original image, in a square of its longer side.
    package func inPixels() -> MaskPrediction { inPixels(predictedIoU: predictedIoU) { own, _, _ in own } }

    private func inPixels(
        predictedIoU: Float, _ logit: (_ own: Float, _ x: Int, _ y: Int) -> Float
    ) -> MaskPrediction {
        let (width, height) = (geometry.originalWidth, geometry.originalHeight)
        let (own, side) = (logits(), max(width, height))
        let square = Tensor(shape: [side, side]) { square in
            square.update(repeating: MaskPrediction.outside)
            for y in 0..<height {
                for x in 0..<width { square[y * side + x] = logit(own[y * width + x], x, y) }
            }
        }
        return MaskPrediction(
            lowResolutionLogits: square, predictedIoU: predictedIoU, index: index,
            geometry: ImageGeometry(width: width, height: height, side: side))
    }
}

extension Prompt {
    /// What marks in the mirror image what this marks in an image of so many columns. Not of a mask's logits: whether those
    /// end where the image does, their grid does not say.
    package func mirrored(width: Int) -> Prompt {
        precondition(maskLogits == nil, "a mask prompt is mirrored before it becomes logits")
        let right = Float(width - 1)
        return Prompt(
            points: points.map { Point(x: right - $0.x, y: $0.y, isForeground: $0.isForeground) },
            box: box.map { Box(x0: right - $0.x1, y0: $0.y0, x1: right - $0.x0, y1: $0.y1) })
    }
}
