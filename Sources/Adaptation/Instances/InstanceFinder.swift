import Imaging
package import SegmentAnything
import Tensor

/// Every object of an image by itself: nuclei, cells, vertebrae.
///
/// For a task the mask without a prompt is cut where objects touch, and each piece is refined by its own box and middle; a
/// refinement that wanders off is not taken. Without a task nobody said what an object is: points on a grid are asked, and
/// answers that the model itself thinks good are kept, as in Segment Anything's automatic mode (Kirillov et al. 2023, §5).
package struct InstanceFinder: Sendable {
    package static let limit = 256

    /// Objects, and whether there were more than `limit` of them.
    package struct Found: Sendable {
        package let objects: [MaskPrediction]
        package let isCut: Bool
    }

    /// Points a side of the grid.
    package static let gridSide = 12
    /// Predicted IoU and stability that a grid's answer needs.
    package static let quality: Float = 0.7
    package static let stability = 0.8
    /// Cells, or in tiles pixels, of what is no speck.
    package static let leastArea = 4
    /// Overlap, intersection over union, above which two answers are one object.
    private static let sameness = 0.5

    private let reader: PromptlessReader

    package init(_ reader: PromptlessReader) { self.reader = reader }

    /// The objects within the answer to no prompt, best first.
    package func instances(
        _ embedding: ImageEmbedding, within whole: MaskPrediction
    ) throws(PromptError) -> Found {
        let logits = whole.lowResolutionLogits.elements
        let side = whole.lowResolutionLogits.shape[0]
        let frame = MaskTarget.frame(embedding.geometry, side: side)
        let drawn = logits.indices.map { logits[$0] > 0 && frame[$0] >= 0.5 ? UInt8(1) : 0 }
        let regions = Regions(Mask(width: side, height: side, pixels: drawn))
        var pieces: [(prediction: MaskPrediction, prompt: Prompt)] = []
        // Each piece has a grid of logits of its own: of a mask of thousands of specks the largest are enough to choose from.
        for label in Self.largest(regions).prefix(2 * Self.limit) {
            let mask = regions.mask(label)
            guard let piece = piece(mask, of: whole, logits, regions.labels, label) else { continue }
            pieces.append(piece)
        }
        let isCut = pieces.count > Self.limit
        pieces = Array(pieces.sorted { $0.prediction.predictedIoU > $1.prediction.predictedIoU }.prefix(Self.limit))
        let refined = try reader.predictions(embedding, pieces.map(\.prompt))
        let chosen = zip(pieces, refined).map { piece, refinement in
            overlap(piece.prediction, refinement, frame) >= Self.sameness ? refinement : piece.prediction
        }
        return Found(objects: distinct(chosen, frame), isCut: isCut)
    }

    /// The objects within an answer of one logit a pixel (``Mosaic``), the largest first, as they are: in tiles there is no
    /// embedding of the image that each could be asked of again. Made one after the other as they are taken: each has a square of its own.
    ///
    /// - Returns: Also whether there were more than `limit` of them.
    package static func pieces(
        of whole: MaskPrediction
    ) -> (objects: some Sequence<MaskPrediction>, isCut: Bool) {
        let logits = whole.lowResolutionLogits.elements
        let (side, geometry) = (whole.lowResolutionLogits.shape[0], whole.geometry)
        precondition(
            geometry.side == side && geometry.isWhole && side == max(geometry.originalWidth, geometry.originalHeight),
            "not one logit a pixel")
        let regions = Regions(Mask(width: side, height: side, pixels: logits.map { $0 > 0 ? 1 : 0 }))
        var extents = [PixelBox?](repeating: nil, count: regions.count + 1)
        for (pixel, label) in regions.labels.enumerated() where label > 0 {
            let (x, y) = (pixel % side, pixel / side)
            let own = PixelBox(x0: x, y0: y, x1: x, y1: y)
            extents[label] = extents[label]?.union(own) ?? own
        }
        let largest = largest(regions)
        let objects = largest.prefix(limit).compactMap { label in extents[label].map { (label, $0) } }.lazy.map {
            label, extent in
            let square = max(extent.width, extent.height)
            var own = [Float](repeating: MaskPrediction.outside, count: square * square)
            for y in 0..<extent.height {
                for x in 0..<extent.width {
                    let pixel = (extent.y0 + y) * side + extent.x0 + x
                    // Outside the region the other objects are background, as sure as they were object.
                    own[y * square + x] = regions.labels[pixel] == label ? logits[pixel] : -abs(logits[pixel])
                }
            }
            return MaskPrediction(
                lowResolutionLogits: Tensor(shape: [square, square], own),
                predictedIoU: MaskSpread.expectedIoU(own), index: 0,
                geometry: ImageGeometry(
                    width: geometry.originalWidth, height: geometry.originalHeight, window: extent, side: square))
        }
        return (objects, largest.count > limit)
    }

    /// The regions that are more than specks, the largest first.
    private static func largest(_ regions: Regions) -> [Int] {
        var areas = [Int](repeating: 0, count: regions.count + 1)
        for label in regions.labels where label > 0 { areas[label] += 1 }
        return areas.indices.filter { areas[$0] >= leastArea }.sorted { (areas[$1], $0) < (areas[$0], $1) }
    }

    /// A region of the whole mask, and the prompt that asks for it; nil for specks.
    private func piece(
        _ mask: Mask, of whole: MaskPrediction, _ logits: [Float], _ labels: [Int], _ label: Int
    ) -> (prediction: MaskPrediction, prompt: Prompt)? {
        guard mask.area >= Self.leastArea, let extent = mask.boundingBox,
            let middle = DistanceTransform.deepestPixel(in: mask)
        else {
            return nil
        }
        // Outside the region the other objects are background, as sure as they were object.
        let own = logits.indices.map { labels[$0] == label ? logits[$0] : -abs(logits[$0]) }
        let prediction = MaskPrediction(
            lowResolutionLogits: Tensor(shape: whole.lowResolutionLogits.shape, own),
            predictedIoU: MaskSpread.expectedIoU(own), index: 0, geometry: whole.geometry)
        let (first, last) = (
            place(extent.x0, extent.y0, whole, corner: -0.5), place(extent.x1, extent.y1, whole, corner: 0.5)
        )
        let point = place(middle.x, middle.y, whole)
        let prompt = Prompt(
            points: [Prompt.Point(x: point.x, y: point.y, isForeground: true)],
            box: Prompt.Box(x0: first.x, y0: first.y, x1: last.x, y1: last.y))
        return (prediction, prompt)
    }

    /// What a grid of points finds, best first.
    package func everything(_ embedding: ImageEmbedding) throws(PromptError) -> [MaskPrediction] {
        let geometry = embedding.geometry
        let prompts = (0..<Self.gridSide * Self.gridSide).map { index in
            func coordinate(_ step: Int, _ length: Int) -> Float {
                ((Float(step) + 0.5) / Float(Self.gridSide) * Float(length) - 0.5).rounded()
            }
            let (column, row) = (index % Self.gridSide, index / Self.gridSide)
            return Prompt(points: [
                Prompt.Point(
                    x: coordinate(column, geometry.originalWidth), y: coordinate(row, geometry.originalHeight),
                    isForeground: true)
            ])
        }
        let answers = try reader.predictions(embedding, prompts.map(kept))
        guard let side = answers.first?.lowResolutionLogits.shape[0] else { return [] }
        let frame = MaskTarget.frame(geometry, side: side)
        let good = answers.filter { answer in
            answer.predictedIoU >= Self.quality && stability(answer, frame) >= Self.stability
        }
        return Array(distinct(good, frame).prefix(Self.limit))
    }

    /// Narrow images have no room for every step of the grid.
    private func kept(_ prompt: Prompt) -> Prompt {
        var prompt = prompt
        prompt.points = prompt.points.map { point in
            Prompt.Point(x: max(point.x, 0), y: max(point.y, 0), isForeground: point.isForeground)
        }
        return prompt
    }

    /// The part of a mask that stays when its threshold is moved by 1 either way, of that which appears.
    private func stability(_ answer: MaskPrediction, _ frame: [Float]) -> Double {
        var (inner, outer) = (0.0, 0.0)
        for (logit, weight) in zip(answer.lowResolutionLogits.elements, frame) {
            if logit > 1 { inner += Double(weight) }
            if logit > -1 { outer += Double(weight) }
        }
        return outer == 0 ? 0 : inner / outer
    }

    /// `answers` by falling quality, without those that show an object again.
    private func distinct(_ answers: [MaskPrediction], _ frame: [Float]) -> [MaskPrediction] {
        var kept: [MaskPrediction] = []
        let ranked = answers.enumerated().sorted {
            ($1.element.predictedIoU, $0.offset) < ($0.element.predictedIoU, $1.offset)
        }
        for (_, answer) in ranked where !kept.contains(where: { overlap($0, answer, frame) > Self.sameness }) {
            kept.append(answer)
        }
        return kept
    }

    /// Intersection over union; 0 when both are empty.
    private func overlap(_ one: MaskPrediction, _ other: MaskPrediction, _ frame: [Float]) -> Double {
        one.lowResolutionLogits.withUnsafeElements { one in
            other.lowResolutionLogits.withUnsafeElements { other in
                var (both, either) = (0.0, 0.0)
                for cell in frame.indices {
                    if one[cell] > 0 && other[cell] > 0 { both += Double(frame[cell]) }
                    if one[cell] > 0 || other[cell] > 0 { either += Double(frame[cell]) }
                }
                return either == 0 ? 0 : both / either
            }
        }
    }

    /// The place of a cell of the logits, or of a corner half a cell away, in pixels of the original image.
    private func place(_ column: Int, _ row: Int, _ answer: MaskPrediction, corner: Float = 0) -> (x: Float, y: Float) {
        let geometry = answer.geometry
        let cell = Float(geometry.side) / Float(answer.lowResolutionLogits.shape[0])
        func pixel(_ index: Int, _ resized: Int, _ original: Int) -> Float {
            let place = (Float(index) + 0.5 + corner) * cell * Float(original) / Float(resized) - 0.5
            return min(max(place.rounded(), 0), Float(original - 1))
        }
        return (
            pixel(column, geometry.resizedWidth, geometry.originalWidth),
            pixel(row, geometry.resizedHeight, geometry.originalHeight)
        )
    }
}
