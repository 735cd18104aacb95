import Imaging
import SegmentAnything
import Tensor

/// What the frozen part of the model makes of each view: computed on first use and kept while there is room.
///
/// With kind `decoder` the frozen part is the whole encoder, and from the second round on a step costs only the decoder.
/// When the room is used up, later views are encoded anew each time rather than pushing others out: views come round in
/// turn, and a cache that forgets the oldest would then never hit.
///
/// Runs on parts of one support set share it: a view's encoding does not depend on who else is trained on.
final class EncodingCache {
    struct Encoding {
        /// `[1, g, g, C]` embedding when the encoder is frozen, else `[1, g, g, W]` activations before the first adapted
        /// block.
        let activations: Tensor
        let geometry: ImageGeometry
    }

    private struct Key: Hashable {
        let example: Int
        let view: Int
        /// Nil: of the encoding, which all labels share.
        let label: Int?
    }

    private let model: SegmentAnythingModel
    private let support: SupportSet
    let firstAdaptedBlock: Int
    private let room: Int
    private let seed: UInt64
    private var kept: [Key: Encoding] = [:]
    private var targets: [Key: MaskTarget] = [:]
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

    func view(_ index: Int, of example: Int) -> AugmentedView {
        AugmentedView(index: index, example: example, seed: seed)
    }

    /// - Parameter isCancelled: Asked before each block of the encoder, which in a large model takes its time.
    func encoding(view index: Int, of example: Int, isCancelled: () -> Bool) throws(AdaptationError) -> Encoding {
        let key = Key(example: example, view: index, label: nil)
        if let known = kept[key] { return known }
        let encoding = try encode(support.examples[example], view(index, of: example), isCancelled)
        if reserve(encoding.activations.count) { kept[key] = encoding }
        return encoding
    }

    /// The truth of one label in a view whose geometry is known from its encoding.
    func target(view index: Int, of item: SupportSet.Item, _ geometry: ImageGeometry) -> MaskTarget {
        let key = Key(example: item.example, view: index, label: item.label)
        if let known = targets[key] { return known }
        let mask = view(index, of: item.example).flipped(support.examples[item.example].labels.mask(item.label))
        let target = MaskTarget(mask, geometry: geometry, side: model.configuration.logitsSide)
        if reserve(target.truth.count + target.weight.count) { targets[key] = target }
        return target
    }

    /// Whether so many more numbers may be kept; they are counted if so.
    private func reserve(_ numbers: Int) -> Bool {
        guard keptBytes + 4 * numbers <= room else { return false }
        keptBytes += 4 * numbers
        return true
    }

    private func encode(
        _ example: Example, _ view: AugmentedView, _ isCancelled: () -> Bool
    ) throws(AdaptationError) -> Encoding {
        let configuration = model.configuration
        let mask = view.flipped(example.mask)
        let image = Preprocessor(side: configuration.imageSize)(
            view.flipped(example.image), window: view.window(about: mask, model: configuration))
        let geometry = image.geometry
        let pixels = Value(view.toned(image.pixels, width: geometry.resizedWidth, height: geometry.resizedHeight))
        let encoder = ImageEncoder(model)
        var activations = encoder.prefix(pixels, blocks: 0)
        for block in 0..<firstAdaptedBlock {
            guard !isCancelled() else { throw .cancelled(step: 0) }
            activations = encoder.advanced(activations, through: block)
        }
        if firstAdaptedBlock == configuration.depth {
            activations = encoder.finish(activations, from: firstAdaptedBlock)
        }
        return Encoding(activations: activations.tensor, geometry: geometry)
    }
}
