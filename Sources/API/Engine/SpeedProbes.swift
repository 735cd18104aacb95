package import Adaptation
import Basics
import Posix
package import SegmentAnything
import Tensor

/// How fast this process runs each model: measured once, when first asked for.
package final class SpeedProbes: Sendable {
    package struct Measured: Sendable {
        package let speed: SpeedProbe
        /// The whole process during a training step; 0 where the system does not say.
        package let peakBytes: Int
    }

    private let known = Lock<[String: Measured]>([:])

    package init() {}

    /// Takes about as long as three training steps on one image, the first time.
    ///
    /// - Parameters:
    ///   - gate: By which the caller holds off a job meanwhile; nil: it is the job.
    ///   - isCancelled: Asked now and then; nothing is known afterwards, and `AdaptationError.cancelled` is thrown.
    package func measured(
        _ model: SegmentAnythingModel, beside gate: InteractiveGate? = nil,
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> Measured {
        if let known = known.withLock({ $0[model.sha256] }) { return known }
        // What others have freed is not what a step takes.
        ProcessMemory.giveBackFreed()
        ProcessMemory.forgetPeak()
        let turns = gate?.turnCount
        let (speed, waited) = try Threads.countingWaits { waited in
            (try SpeedProbe(measuring: model, isCancelled: isCancelled), waited())
        }
        let measured = Measured(speed: speed, peakBytes: ProcessMemory.peakBytes ?? 0)
        // Held up by requests, or slowed by a job, it says too little of the machine: it serves this once, and the next one measures again.
        guard waited == .zero, gate?.turnCount == turns else { return measured }
        return known.withLock { known in
            let first = known[model.sha256] ?? measured
            known[model.sha256] = first
            return first
        }
    }
}
