import Imaging

/// The pixels of one image and its targets under one step of the plan.
struct EvaluatedImage {
    let image: RGBImage
    let targets: [TargetScorer]

    init(_ pair: Dataset.Pair, _ step: EvaluationPlan.Step, _ settings: EvaluationSettings) throws {
        let (image, labels) = try PairReader.load(pair)
        self.image = image
        targets = step.tasks.flatMap { task in
            let key = DrawKey(seed: settings.seed, step.arm.dataset, task.name, pair.stem)
            return task.targets(
                labels, areas: pair.areas, atLeast: settings.minimumPixels, atMost: settings.objectsPerImage, key: key
            ).enumerated().map { index, target in
                TargetScorer(
                    arm: step.arm, task: task, pair: pair, dataset: step.dataset, target: target, isFirst: index == 0,
                    seed: settings.seed)
            }
        }
    }
}

extension Dataset {
    /// The usable pair with a stem of the plan.
    func pair(_ stem: String) -> Pair {
        guard let pair = pairs.first(where: { $0.stem == stem }) else {
            preconditionFailure("\(name) has no pair \(stem)")
        }
        return pair
    }
}
