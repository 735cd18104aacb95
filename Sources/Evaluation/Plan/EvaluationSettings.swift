package import Adaptation
import Cryptography
import Foundation

/// All that decides what an evaluation measures. Two runs with equal settings, model and files give equal rows.
package struct EvaluationSettings: Sendable, Equatable {
    /// Support sizes; 0 is the base model.
    package var supportSizes = [0]
    /// Random support sets of each size.
    package var supportSeeds = 1
    package var prompts = PromptStyle.standard
    package var adapters: [AdapterKind] = [.loraDecoder]
    /// Steps of an adaptation; nil for the recipe's own.
    package var steps: Int?
    /// Rates and rank of an adaptation; nil for the recipe's own.
    package var learningRate: Float?
    package var decoderLearningRate: Float?
    package var rank: Int?
    package var labels = LabelChoice.each
    /// Smaller targets are left out.
    package var minimumPixels = 20
    /// Objects in an image, for datasets that number them.
    package var objectsPerImage = 3
    /// Images tested in each dataset at most, drawn by the seed; nil for all.
    package var imageLimit: Int?
    /// A regular expression whose first group is the patient in a stem; stems that it does not match stand for themselves.
    package var patientPattern: String?
    package var baselines = false
    /// Whether answers are averaged with those on the mirror image.
    package var flips = false
    package var seed: UInt64 = 0

    package init() {}

    /// Fewer tested images than this say nothing: a support size that leaves fewer is left out.
    static let minimumTestImages = 4

    /// Every field by its option's name, for the journal and the report.
    package var fields: [String: String] {
        var fields: [String: String] = [
            "support": supportSizes.map(String.init).joined(separator: ","), "seeds": "\(supportSeeds)",
            "prompts": prompts.map(\.rawValue).joined(separator: ","),
            "adapters": supportSizes == [0] ? "" : adapters.map(\.rawValue).joined(separator: ","),
            "steps": steps.map(String.init) ?? "", "labels": labels.description,
            "min-pixels": "\(minimumPixels)", "objects": "\(objectsPerImage)",
            "images": imageLimit.map(String.init) ?? "", "patient-pattern": patientPattern ?? "",
            "baselines": "\(baselines)", "seed": "\(seed)",
        ]
        // Journals from before there were these choices go on.
        if flips { fields["flips"] = "true" }
        fields["learning-rate"] = learningRate.map { "\($0)" }
        fields["decoder-learning-rate"] = decoderLearningRate.map { "\($0)" }
        fields["rank"] = rank.map(String.init)
        return fields
    }

    /// The recipe of an adaptation of one kind with one support set.
    func recipe(_ kind: AdapterKind, supportSeed: Int) -> AdaptationSettings {
        var recipe = AdaptationSettings(kind: kind, seed: seed &+ UInt64(supportSeed))
        if let steps { recipe.steps = steps }
        if let learningRate { recipe.learningRate = learningRate }
        if let decoderLearningRate { recipe.decoderLearningRate = decoderLearningRate }
        if let rank {
            recipe.rank = rank
            recipe.alpha = Float(rank)
        }
        return recipe
    }
}
