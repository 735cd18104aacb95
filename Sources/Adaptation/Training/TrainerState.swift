import Tensor

/// Everything that a step changes. With the settings and the support set it determines all that follows.
struct TrainerState: Sendable {
    /// Steps done.
    var step: Int
    var tensors: [Tensor]
    var optimizer: Optimizer
    /// One per step done.
    var losses: [Float]
}
