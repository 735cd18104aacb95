import ArgumentParser
import SegmentAnything

/// What `--precision` takes.
enum Precision: String, CaseIterable, ExpressibleByArgument {
    case f32, int8

    /// Quantises the model's weights where that is asked for.
    func prepared(from model: SegmentAnythingModel) -> EncoderPrecision {
        switch self {
        case .f32: .exact
        case .int8: .int8(QuantizedWeights(model))
        }
    }
}
