import Glibc
package import Tensor

/// An answer fitted to the image that it was given on.
///
/// The network has learnt what objects look like on the images that it was trained on. What the object of this image looks like, its
/// own first answer shows: cells are as likely to be object as their brightness and colour are more frequent inside that
/// answer than about it. The log of that ratio is added to the logits (Bayes' rule, with the network's answer as the prior), and a
/// guided filter (He et al. 2013) then moves edges to those of the image.
package struct Appearance {
    /// How far the ratio goes, in logits: a colour says less than the network where that is sure.
    private static let bound: Float = 2.5
    /// Of the answer, so that a sure cell counts as one cell, and so that the filter's lines are not drawn by a few.
    private static let sureness: Float = 6
    /// Parts of the range of a channel that are counted apart.
    private static let bins = 32
    /// Of a bin's share of cells, so that an empty one decides nothing.
    private static let floor: Float = 0.003
    /// Shares of a box's sides: how far beyond it the object may reach, and what is compared with it.
    private static let reach: (object: Float, surroundings: Float) = (0.08, 0.4)
    /// Without a box: what an answer leaves open, and so many cells about it, are what is compared.
    private static let open: (logit: Float, margin: Int) = (-2, 2)
    /// Cells that tell anything.
    private static let fewest = 20
    /// The guided filter's, in cells, and its ε for brightness in 0...1.
    private static let filter: (radius: Int, epsilon: Float) = (2, 1e-3)

    private let guide: Guide
    private let share: Float

    /// - Parameter share: Of the ratio's log, that is added.
    package init(_ guide: Guide, share: Float) {
        self.guide = guide
        self.share = share
    }

    /// The logits of `answer` fitted to the image, within ±6; unchanged where they are over padding, and all of them where there is too
    /// little to go by.
    ///
    /// - Parameters:
    ///   - answer: `[4g, 4g]` over the padded square, the grid of the guide.
    ///   - box: The edges of the prompt's, in cells of the logits from the grid's edge; nil: it has none.
    package func fitted(_ answer: Tensor, box: Prompt.Box?) -> Tensor {
        precondition(answer.shape == [guide.side, guide.side], "logits of another grid")
        let (width, height) = (guide.width, guide.height)
        let all = answer.elements
        var logits = (0..<width * height).map { all[$0 / width * guide.side + $0 % width] }
        let compared = box.map { within($0, Self.reach.surroundings) } ?? neighbourhood(of: logits)
        guard compared.count(where: { $0 }) >= Self.fewest else { return answer }
        let inside = box.map { within($0, Self.reach.object) }
        let probabilities = logits.indices.map { cell in
            inside?[cell] == false ? 0 : 1 / (1 + expf(-min(max(logits[cell], -Self.sureness), Self.sureness)))
        }
        let channels = guide.channels
        var evidence = [Float](repeating: 0, count: logits.count)
        for channel in channels { Self.add(channel, probabilities, compared, to: &evidence) }
        for cell in logits.indices {
            // Nothing beyond the box is made object by its colour.
            let most = inside?[cell] == false ? 0 : Self.bound
            if compared[cell] { logits[cell] += share * min(max(evidence[cell], -Self.bound), most) }
            logits[cell] = min(max(logits[cell], -Self.sureness), Self.sureness)
        }
        let smooth = GuidedFilter(
            channels[0], width: width, height: height, radius: Self.filter.radius, epsilon: Self.filter.epsilon)(logits)
        return Tensor(shape: answer.shape) { target in
            for (cell, logit) in all.enumerated() { target[cell] = logit }
            for cell in smooth.indices { target[cell / width * guide.side + cell % width] = smooth[cell] }
        }
    }

    /// The cells whose middles are in a box that is larger on each side by a share of its sides.
    private func within(_ box: Prompt.Box, _ share: Float) -> [Bool] {
        let (dx, dy) = (share * (box.x1 - box.x0), share * (box.y1 - box.y0))
        return (0..<guide.width * guide.height).map { cell in
            let (x, y) = (Float(cell % guide.width) + 0.5, Float(cell / guide.width) + 0.5)
            return x >= box.x0 - dx && x <= box.x1 + dx && y >= box.y0 - dy && y <= box.y1 + dy
        }
    }

    /// The cells that may be object, and those about them.
    private func neighbourhood(of logits: [Float]) -> [Bool] {
        var near = [Bool](repeating: false, count: logits.count)
        for y in 0..<guide.height {
            for x in 0..<guide.width where logits[y * guide.width + x] > Self.open.logit {
                for row in max(y - Self.open.margin, 0)...min(y + Self.open.margin, guide.height - 1) {
                    for column in max(x - Self.open.margin, 0)...min(x + Self.open.margin, guide.width - 1) {
                        near[row * guide.width + column] = true
                    }
                }
            }
        }
        return near
    }

    /// Adds to `evidence` the log of how much more frequent each cell's value is in the object than beside it, among the
    /// compared.
    private static func add(
        _ channel: [Float], _ probabilities: [Float], _ compared: [Bool], to evidence: inout [Float]
    ) {
        var (sum, squares, count) = (Double(0), Double(0), Double(0))
        for cell in channel.indices where compared[cell] {
            sum += Double(channel[cell])
            squares += Double(channel[cell]) * Double(channel[cell])
            count += 1
        }
        let mean = Float(sum / count)
        let deviation = Float(max(squares / count - sum / count * sum / count, 0).squareRoot())
        guard deviation > 2e-4 else { return }
        let (low, scale) = (mean - 2.5 * deviation, Float(bins) / (5 * deviation))
        let bin = channel.map { Int(min(max(($0 - low) * scale, 0), Float(bins - 1))) }
        var object = [Float](repeating: 0, count: bins)
        var beside = object
        for cell in channel.indices where compared[cell] {
            object[bin[cell]] += probabilities[cell]
            beside[bin[cell]] += 1 - probabilities[cell]
        }
        let ratio = zip(shares(object), shares(beside)).map { logf(($0 + floor) / ($1 + floor)) }
        for cell in channel.indices { evidence[cell] += ratio[bin[cell]] }
    }

    /// A histogram that sums to 1, smoothed by a bell of 1.5 bins.
    private static func shares(_ histogram: [Float]) -> [Float] {
        let bell = (-4...4).map { expf(-0.5 * powf(Float($0) / 1.5, 2)) }
        let smoothed = histogram.indices.map { bin in
            (-4...4).reduce(Float(0)) { sum, offset in
                sum + bell[offset + 4] * histogram[min(max(bin + offset, 0), histogram.count - 1)]
            }
        }
        let total = smoothed.reduce(0, +) + 1e-6
        return smoothed.map { $0 / total }
    }
}
