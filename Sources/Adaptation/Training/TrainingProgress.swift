/// How far a run is, told after each step.
package struct TrainingProgress: Sendable, Equatable {
    /// Steps done, from 1; counts those before a resumption too.
    package let step: Int
    package let steps: Int
    /// Mean over the step's images and prompts.
    package let loss: Float
    /// Since this call of `run`; time before a resumption does not count.
    package let elapsed: Duration
    /// Steps done in `elapsed`.
    package let stepsInElapsed: Int

    /// From 0 to 1.
    package var fraction: Double { Double(step) / Double(steps) }

    /// Time to the end at the mean speed so far.
    package var remaining: Duration { elapsed / max(stepsInElapsed, 1) * (steps - step) }
}
