import Glibc

/// A linear warm-up, then half a cosine down to `floor`: a fraction of the peak learning rate per step.
package struct LearningRateSchedule: Sendable, Equatable {
    package let steps: Int
    package let warmUp: Int
    package let floor: Double

    /// - Parameters:
    ///   - steps: Of the whole run; at least 1.
    ///   - warmUp: Steps of the ramp; by default a tenth of the run, at most 20.
    package init(steps: Int, warmUp: Int? = nil, floor: Double = 0.01) {
        precondition(steps > 0, "a run has at least one step")
        self.steps = steps
        self.warmUp = min(warmUp ?? min(steps / 10, 20), steps)
        self.floor = floor
    }

    /// The factor for `step`, counted from 0. The ramp ends at 1 and the cosine starts there.
    package func factor(at step: Int) -> Float {
        if step < warmUp { return Float(step + 1) / Float(warmUp + 1) }
        let progress = Double(step - warmUp) / Double(max(steps - warmUp, 1))
        return Float(floor + (1 - floor) * 0.5 * (1 + cos(.pi * min(progress, 1))))
    }
}
