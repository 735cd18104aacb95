import ArgumentParser
import Foundation
import Imaging

/// `POST /v1/tasks`, as far as the demo reads it.
struct CreatedTask: Decodable {
    struct Named: Decodable { let id: String }
    let task: Named
    let job: Named
}

/// `GET /v1/jobs/{id}`.
struct JobStatus: Decodable {
    struct Failure: Decodable { let message: String }
    let state: String
    let progress: Double
    let step: Int
    let steps: Int
    let etaSeconds: Double?
    let error: Failure?

    enum CodingKeys: String, CodingKey {
        case state, progress, step, steps, error
        case etaSeconds = "eta_seconds"
    }

    /// What goes on, behind the progress bar.
    var note: String {
        let remaining = etaSeconds.map { String(format: ", about %.0f s left", $0) } ?? ""
        return steps > 0 ? "step \(step) of \(steps)\(remaining)" : state
    }
}

/// The answer to a segment request that sent a ground truth.
struct Segmentation: Decodable {
    struct Mask: Decodable { let png: Data }
    struct Metrics: Decodable {
        let dice: Double
        let jaccard: Double
        let asdMillimetres: Double?

        enum CodingKeys: String, CodingKey {
            case dice, jaccard
            case asdMillimetres = "asd_mm"
        }
    }

    let masks: [Mask]
    let metrics: Metrics

    var score: DemoScore { DemoScore(dice: metrics.dice, jaccard: metrics.jaccard, asd: metrics.asdMillimetres) }

    /// The first mask: the demo's prompts ask for one object.
    func mask() throws -> Imaging.Mask {
        guard let first = masks.first else { throw ValidationError("the answer holds no mask") }
        return Imaging.Mask(try ImageDecoder.decode(Array(first.png)))
    }
}
