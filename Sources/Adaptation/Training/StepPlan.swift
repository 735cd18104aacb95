package import Basics

/// Which images, views and prompts a step looks at: a pure function of the seed and the step.
///
/// So a run that continues from a checkpoint draws exactly what the unbroken run would have drawn, and there is no
/// generator whose state could be lost.
package struct StepPlan: Sendable {
    package struct Draw: Sendable, Equatable {
        package let example: Int
        package let view: Int
        /// Draws this image's prompts.
        package let generator: SeededRandom
    }

    package let exampleCount: Int
    package let viewCount: Int
    package let imagesPerStep: Int
    package let seed: UInt64

    package init(exampleCount: Int, viewCount: Int, imagesPerStep: Int, seed: UInt64) {
        precondition(exampleCount > 0 && viewCount > 0 && imagesPerStep > 0, "an empty plan")
        self.exampleCount = exampleCount
        self.viewCount = viewCount
        self.imagesPerStep = imagesPerStep
        self.seed = seed
    }

    /// The draws of `step`, counted from 0.
    ///
    /// Images come in shuffled rounds, each once per round. Within a block of `viewCount` rounds every image comes in
    /// each of its views once, in an order of its own.
    package func draws(at step: Int) -> [Draw] {
        (0..<imagesPerStep).map { offset in
            let position = step * imagesPerStep + offset
            let (round, place) = position.quotientAndRemainder(dividingBy: exampleCount)
            let example = permutation(exampleCount, stream: 1, round)[place]
            let (block, turn) = round.quotientAndRemainder(dividingBy: viewCount)
            let view = permutation(viewCount, stream: 2, block &* exampleCount &+ example)[turn]
            return Draw(example: example, view: view, generator: generator(stream: 3, position))
        }
    }

    private func permutation(_ count: Int, stream: UInt64, _ index: Int) -> [Int] {
        var generator = generator(stream: stream, index)
        return Array(0..<count).shuffled(using: &generator)
    }

    /// Independent generators for independent purposes: seed, stream and index are mixed one after the other.
    private func generator(stream: UInt64, _ index: Int) -> SeededRandom {
        var mixer = SeededRandom(seed: seed)
        mixer = SeededRandom(seed: mixer.next() ^ stream)
        mixer = SeededRandom(seed: mixer.next() ^ UInt64(truncatingIfNeeded: index))
        return SeededRandom(seed: mixer.next())
    }
}
