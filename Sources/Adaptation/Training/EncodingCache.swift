import Imaging
import SegmentAnything
import Tensor

/// What the frozen part of the model makes of each view: computed on first use and kept while there is room.
///
/// With kind `decoder` the frozen part is the whole encoder, and from the second round on a step costs only the decoder.
/// When the room is used up, later views are encoded anew each time rather than pushing others out: views come round in
/// turn, and a cache that forgets the oldest would then never hit.
struct EncodingCache {
    struct Encoding {
        /// `[1, g, g, C]` embedding when the encoder is frozen, else `[1, g, g, W]` activations before the first adapted
        /// block.
        let activations: Tensor
        let geometry: ImageGeometry
        let target: MaskTarget

        var byteCount: Int { 4 * (activations.count + target.truth.count + target.weight.count) }
    }

    private struct Key: Hashable {
        let example: Int
        let view: Int
    }

    private let model: SegmentAnythingModel
    private let support: SupportSet
    private let firstAdaptedBlock: Int
    private let room: Int
    private let seed: UInt64
    private var kept: [Key: Encoding] = [:]
    private(set) var keptBytes = 0

    /// - Parameters:
    ///   - firstAdaptedBlock: The depth when the whole encoder is frozen.
    ///   - room: Ceiling of the bytes kept.
    init(model: SegmentAnythingModel, support: SupportSet, firstAdaptedBlock: Int, room: Int, seed: UInt64) {
        self.model = model
        self.support = support
        self.firstAdaptedBlock = firstAdaptedBlock
        self.room = room
        self.seed = seed
    }

    func view(_ draw: StepPlan.Draw) -> AugmentedView {
        AugmentedView(index: draw.view, example: draw.example, seed: seed)
    }

    mutating func encoding(_ draw: StepPlan.Draw) -> Encoding {
        let key = Key(example: draw.example, view: draw.view)
        if let known = kept[key] { return known }
        let encoding = encode(support.examples[draw.example], view(draw))
        if keptBytes + encoding.byteCount <= room {
            kept[key] = encoding
            keptBytes += encoding.byteCount
        }
        return encoding
    }

    private func encode(_ example: Example, _ view: AugmentedView) -> Encoding {
        let configuration = model.configuration
        let image = Preprocessor(side: configuration.imageSize)(view.flipped(example.image))
        let geometry = image.geometry
        let pixels = Value(view.toned(image.pixels, width: geometry.resizedWidth, height: geometry.resizedHeight))
        let encoder = ImageEncoder(model)
        let activations =
            firstAdaptedBlock == configuration.depth
            ? encoder(pixels) : encoder.prefix(pixels, blocks: firstAdaptedBlock)
        return Encoding(
            activations: activations.tensor, geometry: geometry,
            target: MaskTarget(view.flipped(example.mask), geometry: geometry, side: configuration.logitsSide))
    }
}
