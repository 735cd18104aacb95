import Basics
import Glibc
package import Imaging
package import SegmentAnything

/// Prompts as the same person might have given them another time.
///
/// Boxes get new sides and points new places within the reach of a hand; where nobody pointed, prompts are drawn from the
/// answer itself, as a person would who wanted that answer. All from one fixed seed: the same answer has the same prompts.
package enum PromptJitter {
    /// Decodes that an answer's uncertainty costs.
    package static let count = 16

    /// How far a point moves at most, in sides of a square of the answer's area.
    private static let pointReach: Float = 0.15

    /// The same for an answer in tiles, each of which may cost a decode of several.
    package static let tiledCount = 6

    /// The same for a held-out image, of which only the mean over all is wanted.
    static let foldCount = 6

    /// - Parameters:
    ///   - prompt: What was given.
    ///   - answer: The mask that came of it.
    /// - Returns: `count` prompts; none when there is nothing to vary, an empty answer to no prompt.
    package static func prompts(around prompt: Prompt, answer: Mask, count: Int = count) -> [Prompt] {
        var generator = SeededRandom(seed: 0)
        guard !prompt.points.isEmpty || prompt.box != nil else {
            guard let simulator = PromptSimulator(mask: answer) else { return [] }
            return (0..<count).map { index in
                var drawn = simulator.prompt(index.isMultiple(of: 2) ? .box : .points, using: &generator)
                drawn.maskLogits = prompt.maskLogits
                return drawn
            }
        }
        let reach = max(pointReach * Float(answer.area).squareRoot(), 1)
        let (right, bottom) = (Float(answer.width - 1), Float(answer.height - 1))
        return (0..<count).map { _ in
            var moved = prompt
            moved.points = prompt.points.map { point in
                Prompt.Point(
                    x: min(max(point.x + reach * signed(&generator), 0), right),
                    y: min(max(point.y + reach * signed(&generator), 0), bottom), isForeground: point.isForeground)
            }
            moved.box = prompt.box.map { box in
                let reach = PromptSimulator.boxOffset * max(box.x1 - box.x0, box.y1 - box.y0)
                let (x0, x1) = (box.x0 + reach * signed(&generator), box.x1 + reach * signed(&generator))
                let (y0, y1) = (box.y0 + reach * signed(&generator), box.y1 + reach * signed(&generator))
                return Prompt.Box(
                    x0: min(max(min(x0, x1), 0), right), y0: min(max(min(y0, y1), 0), bottom),
                    x1: min(max(max(x0, x1), 0), right), y1: min(max(max(y0, y1), 0), bottom))
            }
            return moved
        }
    }

    /// −1 to 1.
    private static func signed(_ generator: inout SeededRandom) -> Float { 2 * generator.uniform() - 1 }
}
