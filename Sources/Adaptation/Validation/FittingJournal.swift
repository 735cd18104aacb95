/// What a fitting has found out so far: with it and the state of the run under way it goes on after a crash.
struct FittingJournal: Codable, Sendable, Equatable {
    /// A training run, finished or under way, and what it said about images that it was not trained on.
    struct Run: Codable, Sendable, Equatable {
        let key: String
        var isDone = false
        /// Of the fitting, at which it began.
        var began: Double?
        var seconds = 0.0
        var marks: [Mark] = []
        var influence: [Gain] = []
    }

    /// The held-out scores after so many steps.
    struct Mark: Codable, Sendable, Equatable {
        let step: Int
        let scores: [HeldOutScore]
    }

    /// How much one example's being trained on helped the held-out ones, in loss.
    struct Gain: Codable, Sendable, Equatable {
        let example: Int
        let gain: Double
    }

    /// What the fitting is of, by hash: model, support set, recipe.
    let subject: String
    let speed: SpeedProbe
    /// Spent before the present start.
    var seconds = 0.0
    var base: [HeldOutScore]?
    /// The version before, on the examples that it has not seen.
    var previous: [HeldOutScore]?
    var runs: [Run] = []

    init(subject: String, speed: SpeedProbe) {
        self.subject = subject
        self.speed = speed
    }

    func run(_ key: String) -> Run? { runs.first { $0.key == key } }

    /// Changes the entry of `key`, which is made where it is not there yet.
    mutating func update(_ key: String, _ change: (inout Run) -> Void) {
        if let index = runs.firstIndex(where: { $0.key == key }) {
            change(&runs[index])
        } else {
            var run = Run(key: key)
            change(&run)
            runs.append(run)
        }
    }
}
