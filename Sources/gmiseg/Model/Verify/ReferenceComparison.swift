import Foundation
import Imaging
import SegmentAnything
import Tensor

/// Compares a model's answers with recorded ones.
struct ReferenceComparison {
    struct Row {
        let subject: String
        /// Largest absolute difference over largest absolute value.
        var relativeErrors: [(name: String, value: Float)]
        /// Share of pixels that agree, of the worst mask.
        var maskAgreement: Double?

        /// Bounds for float32 arithmetic in another order; what they allow, no mask shows.
        static let errorLimit: Float = 1e-4
        static let agreementLimit = 0.999

        var passed: Bool {
            relativeErrors.allSatisfy { $0.value <= Self.errorLimit }
                && maskAgreement.map { $0 >= Self.agreementLimit } ?? true
        }

        var line: String {
            let errors = relativeErrors.map { "\($0.name) \(String(format: "%.1e", $0.value))" }
            let masks = maskAgreement.map { ["masks \(String(format: "%.4f", $0 * 100)) %"] } ?? []
            return "\(passed ? "ok    " : "FAILED") \(subject)  \((errors + masks).joined(separator: "  "))"
        }
    }

    private let predictor: Predictor

    init(_ predictor: Predictor) { self.predictor = predictor }

    /// Compares every image and prompt; hands out each row when it is known, since large models take their time.
    func compare(_ recording: ReferenceRecording, _ report: (Row) -> Void) throws {
        for index in 0..<recording.imageCount {
            let image = try recording.image(index, configuration: predictor.model.configuration)
            let embedding = predictor.embed(image.pixels)
            let size = "\(image.pixels.width)×\(image.pixels.height)"
            report(
                Row(
                    subject: "\(image.name) (\(size)), embedding",
                    relativeErrors: [("", Self.relativeError(embedding.tensor.elements, image.embedding.elements))]))
            for answer in image.answers {
                report(try compare(answer, embedding, subject: "\(image.name), \(answer.kind)"))
            }
        }
    }

    private func compare(
        _ answer: ReferenceRecording.Answer, _ embedding: ImageEmbedding, subject: String
    ) throws -> Row {
        let single = try predictor.predict(embedding, [answer.prompt])[0]
        let several = try predictor.predict(embedding, [answer.prompt], multimask: true)[0]
        let masks = (single + several).sorted { $0.index < $1.index }
        let logits = masks.flatMap { $0.lowResolutionLogits.elements }
        let agreement = zip(masks, answer.masks).map { found, expected in
            let equal = zip(found.mask().pixels, expected).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }
            return Double(equal) / Double(max(1, expected.count))
        }
        return Row(
            subject: subject,
            relativeErrors: [
                ("logits", Self.relativeError(logits, answer.logits.elements)),
                ("quality", Self.relativeError(masks.map(\.predictedIoU), answer.quality)),
            ], maskAgreement: agreement.min())
    }

    private static func relativeError(_ found: [Float], _ expected: [Float]) -> Float {
        guard found.count == expected.count else { return .infinity }
        var (difference, magnitude): (Float, Float) = (0, .leastNormalMagnitude)
        for (one, other) in zip(found, expected) {
            // Written so that NaN counts as a difference.
            if !(abs(one - other) <= difference) { difference = (one - other).isNaN ? .infinity : abs(one - other) }
            magnitude = max(magnitude, abs(other))
        }
        return difference / magnitude
    }
}
