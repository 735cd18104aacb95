import Glibc
import Tensor

/// How much an example, by being trained on, changes the loss of held-out ones: to first order, from gradients at one state
/// of the run (TracIn, Pruthi et al. 2020, §3, with the optimiser's own scale in place of the learning rate).
///
/// A visit of example i moves the tensors by `-η · P g_i`, with P = 1 / (√v + ε) Adam's scale; that lowers the loss of
/// example j by the product of the movement with `g_j`. Over a run the movements add up.
struct Influence {
    /// The sum of the held-out examples' gradients, times P and the learning rates.
    private var target: [[Float]]
    private let heldCount: Int
    private let path: Double

    /// - Parameters:
    ///   - held: The gradient of each held-out example at `state`.
    ///   - trainedCount: Examples of the run.
    init(held: [[Tensor]], state: TrainerState, settings: AdaptationSettings, trainedCount: Int) {
        let schedule = LearningRateSchedule(steps: settings.steps)
        path = (0..<settings.steps).reduce(0.0) { $0 + Double(schedule.factor(at: $1)) } / Double(trainedCount)
        heldCount = held.count
        target = state.tensors.map { [Float](repeating: 0, count: $0.count) }
        let correction = 1 - pow(0.999, Double(max(state.step, 1)))
        for (index, moments) in state.optimizer.moments.enumerated() {
            for gradients in held {
                let elements = gradients[index].elements
                for at in elements.indices { target[index][at] += elements[at] }
            }
            let second = moments.second.elements
            let rate = state.optimizer.rates[index]
            for at in second.indices {
                target[index][at] *= rate / (Float((Double(second[at]) / correction).squareRoot()) + 1e-8)
            }
        }
    }

    /// By how much training on an example of this gradient lowers the mean loss of the held-out ones.
    func gain(of gradient: [Tensor]) -> Double {
        var product = 0.0
        for (index, tensor) in gradient.enumerated() {
            let (elements, target) = (tensor.elements, target[index])
            for at in elements.indices { product += Double(elements[at]) * Double(target[at]) }
        }
        return path * product / Double(heldCount)
    }
}
