package import SegmentAnything

/// In what arithmetic a server's encoder runs, and how well that is known to agree with single precision.
package struct ServedPrecision: Sendable {
    package let encoder: EncoderPrecision
    /// What was measured for this model; nil in single precision, and where somebody insisted without a measurement.
    package let agreement: PrecisionAgreement?

    /// Single precision.
    package static let exact = ServedPrecision(encoder: .exact, agreement: nil)

    /// 8-bit weights of `model`, if the agreement recorded beside its file allows it.
    ///
    /// - Parameters:
    ///   - modelPath: The file that `model` was read from.
    ///   - isForced: Whether to serve them all the same.
    package static func int8(
        _ model: SegmentAnythingModel, modelPath: String, isForced: Bool
    ) throws(PrecisionRefusal) -> ServedPrecision {
        let recorded: PrecisionAgreement?
        do {
            recorded = try agreement(for: model, modelPath: modelPath)
        } catch {
            guard isForced else { throw error }
            recorded = nil
        }
        if !isForced { try check(recorded) }
        return ServedPrecision(encoder: .int8(QuantizedWeights(model)), agreement: recorded)
    }

    private static func agreement(
        for model: SegmentAnythingModel, modelPath: String
    ) throws(PrecisionRefusal) -> PrecisionAgreement {
        let path = PrecisionAgreement.path(besideModel: modelPath)
        let agreement: PrecisionAgreement
        do {
            agreement = try PrecisionAgreement(path: path)
        } catch {
            throw .notRecorded(path: path)
        }
        guard agreement.modelSHA256 == model.sha256, agreement.precision == "int8" else {
            throw .otherModel(path: path, recorded: agreement.modelSHA256, loaded: model.sha256)
        }
        return agreement
    }

    private static func check(_ agreement: PrecisionAgreement?) throws(PrecisionRefusal) {
        guard let agreement else { return }
        guard agreement.images >= PrecisionAgreement.requiredImages else {
            throw .tooFewImages(agreement.images)
        }
        // Not `<`: what is not a number must not pass.
        guard agreement.meanIoU >= PrecisionAgreement.requiredMeanIoU else { throw .tooLow(agreement.meanIoU) }
    }
}

/// Why 8-bit weights are not served.
package enum PrecisionRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    case notRecorded(path: String)
    case otherModel(path: String, recorded: String, loaded: String)
    case tooFewImages(Int)
    case tooLow(Double)

    package var description: String {
        let (reason, remedy) =
            switch self {
            case .notRecorded(let path):
                (
                    "\(path), which would say how well its masks agree with single precision, is not there or not readable",
                    Self.verify
                )
            case .otherModel(let path, let recorded, let loaded):
                ("\(path) was recorded for the model with SHA-256 \(recorded), this one has \(loaded)", Self.verify)
            case .tooFewImages(let count):
                (
                    "its agreement was measured on \(count) images, fewer than \(PrecisionAgreement.requiredImages)",
                    Self.verify
                )
            case .tooLow(let mean):
                (
                    "its masks agree with single precision to a mean IoU of \(mean), less than "
                        + "\(PrecisionAgreement.requiredMeanIoU)", "Serve it with --precision f32"
                )
            }
        return "int8 is not served: \(reason). \(remedy), or say --force-precision if you accept masks that differ."
    }

    private static let verify = "Run gmiseg model verify --precision int8 --images DIR with images like yours"
}
