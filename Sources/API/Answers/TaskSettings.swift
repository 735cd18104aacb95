import Adaptation
import Basics

/// What the store keeps of a task's recipe: the wire's own JSON, so that there is one form to read and to show.
struct TaskSettings: Equatable, Sendable {
    let recipe: Recipe
    let pairing: Pairing.Rule
    /// What the task's model was called when the task was made; its identity is the hash in the task's record. Nil: an
    /// earlier version did not keep it.
    let model: String?

    init(request: TaskRequest, pairing: Pairing.Rule, model: String) {
        recipe = request.recipe
        self.pairing = pairing
        self.model = model
    }

    /// Of what the store kept.
    init(stored text: String) throws(Problem) {
        let json = try JSON.parse(Array(text.utf8), field: "settings")
        recipe = try Recipe(adapter: json["adapter"], adaptation: json["adaptation"])
        pairing = json["pairing"]?.stringValue.flatMap(Pairing.Rule.init) ?? .order
        model = json["model"]?.stringValue
    }

    var json: JSON {
        let (adapter, adaptation) = recipe.json
        return [
            "adapter": adapter, "adaptation": adaptation, "pairing": .string(pairing.rawValue),
            "model": .optional(model),
        ]
    }
}
