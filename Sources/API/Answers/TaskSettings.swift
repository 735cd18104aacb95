import Adaptation
import Basics

/// What the store keeps of a task's recipe: the wire's own JSON, so that there is one form to read and to show.
struct TaskSettings: Equatable, Sendable {
    let settings: AdaptationSettings
    let pairing: Pairing.Rule

    init(request: TaskRequest, pairing: Pairing.Rule) {
        settings = request.settings
        self.pairing = pairing
    }

    /// Of what the store kept.
    init(stored text: String) throws(Problem) {
        let json = try JSON.parse(Array(text.utf8), field: "settings")
        settings = try AdaptationSettings(adapter: json["adapter"], adaptation: json["adaptation"])
        pairing = json["pairing"]?.stringValue.flatMap(Pairing.Rule.init) ?? .order
    }

    var json: JSON {
        let (adapter, adaptation) = settings.json
        return ["adapter": adapter, "adaptation": adaptation, "pairing": .string(pairing.rawValue)]
    }
}
