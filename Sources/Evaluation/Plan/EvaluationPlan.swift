/// What is to be computed, in the order in which it is: all base models, then small support sets before large ones, so
/// that a run that is stopped has something to say about every dataset.
struct EvaluationPlan: Sendable {
    struct Step: Sendable {
        let arm: Arm
        let dataset: Dataset
        let tasks: [LabelTask]
        /// Stems, in the arm's order.
        let support: [String]
        let test: [String]
    }

    let steps: [Step]
    let omissions: [Omission]

    init(_ datasets: [Dataset], _ settings: EvaluationSettings) {
        var (bases, adapted, omissions) = ([Step](), [Step](), [Omission]())
        let patient = PatientPattern(settings.patientPattern)
        if case .only(let labels) = settings.labels {
            let shown = Set(datasets.flatMap(\.labels))
            omissions += labels.filter { !shown.contains($0) }.sorted().map {
                Omission(dataset: "all", what: "label \($0)", reason: "no mask of any dataset has it")
            }
        }
        for dataset in datasets {
            let tasks = LabelTask.tasks(of: dataset, settings.labels)
            let order = Self.testOrder(dataset, tasks, settings)
            if order.isEmpty, !dataset.pairs.isEmpty {
                let reason = "no label chosen has \(settings.minimumPixels) pixels in any image"
                omissions.append(Omission(dataset: dataset.name, what: "the dataset", reason: reason))
            }
            var tested = Set(order.prefix(settings.imageLimit ?? order.count))
            for task in tasks {
                let usable = Set(dataset.pairs.filter { $0.isUsable(for: task, settings) }.map(\.stem))
                let stems = order.filter(usable.contains)
                let (steps, left, stemsTested) = Self.steps(dataset, task, stems, settings, patient)
                adapted += steps
                omissions += left
                tested.formUnion(stemsTested)
            }
            bases.append(
                Step(
                    arm: .base(dataset.name), dataset: dataset, tasks: tasks, support: [],
                    test: order.filter(tested.contains)))
        }
        // A stable order: by size, then as listed.
        let sorted = adapted.enumerated().sorted {
            ($0.element.arm.support, $0.offset) < ($1.element.arm.support, $1.offset)
        }
        steps = (bases + sorted.map(\.element)).filter { !$0.test.isEmpty }
        self.omissions = omissions
    }

    /// The usable images of a dataset in a seeded order: its first n are the n that are tested.
    private static func testOrder(
        _ dataset: Dataset, _ tasks: [LabelTask], _ settings: EvaluationSettings
    ) -> [String] {
        var generator = DrawKey(seed: settings.seed, dataset.name).generator("order")
        return dataset.pairs.filter { pair in tasks.contains { pair.isUsable(for: $0, settings) } }.map(\.stem)
            .shuffled(using: &generator)
    }

    private static func steps(
        _ dataset: Dataset, _ task: LabelTask, _ stems: [String], _ settings: EvaluationSettings,
        _ patient: PatientPattern
    ) -> (steps: [Step], omissions: [Omission], tested: Set<String>) {
        let sizes = settings.supportSizes.filter { $0 > 0 }.sorted()
        guard !sizes.isEmpty else { return ([], [], []) }
        var (steps, omissions, tested) = ([Step](), [Omission](), Set<String>())
        for seed in 0..<settings.supportSeeds {
            let draw = SupportDraw(
                stems: stems, sizes: sizes, limit: settings.imageLimit, patient: { patient.patient(of: $0) },
                key: DrawKey(seed: settings.seed, dataset.name, task.name, "\(seed)"))
            for size in draw.omitted {
                let reason =
                    "it would leave fewer than \(EvaluationSettings.minimumTestImages) of \(stems.count) images"
                omissions.append(
                    Omission(
                        dataset: dataset.name, what: "label \(task.name), support \(size), seed \(seed)", reason: reason
                    ))
            }
            tested.formUnion(draw.test)
            for size in sizes where size <= draw.pool.count {
                for adapter in settings.adapters {
                    let arm = Arm(
                        dataset: dataset.name, label: task.name, support: size, supportSeed: seed, adapter: adapter)
                    steps.append(
                        Step(
                            arm: arm, dataset: dataset, tasks: [task], support: Array(draw.pool.prefix(size)),
                            test: draw.test))
                }
            }
        }
        return (steps, omissions, tested)
    }
}

extension Dataset.Pair {
    fileprivate func isUsable(for task: LabelTask, _ settings: EvaluationSettings) -> Bool {
        task.occurs(in: self, atLeast: settings.minimumPixels)
    }
}
