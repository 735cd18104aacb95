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

    private enum Part: Hashable {
        case view(Int)
        /// Of the image as it came.
        case tile(PixelBox)
    }

    private struct Key: Hashable {
        let example: Int
        let part: Part
        /// Nil: of the encoding, which all labels share.
        let label: Int?
    }

    private let model: SegmentAnythingModel
    private let support: SupportSet
    let firstAdaptedBlock: Int
    /// How the views are cut; nil: they show the image.
    let tiling: Tiling?
    private let room: Int
    private let seed: UInt64
    private var kept: [Key: Encoding] = [:]
    private var targets: [Key: MaskTarget] = [:]
    private(set) var keptBytes = 0

    /// - Parameters:
    ///   - firstAdaptedBlock: The depth when the whole encoder is frozen.
    ///   - room: Ceiling of the bytes kept.
    init(
        model: SegmentAnythingModel, support: SupportSet, firstAdaptedBlock: Int, tiling: Tiling?, room: Int,
        seed: UInt64
    ) {
        self.model = model
        self.support = support
        self.firstAdaptedBlock = firstAdaptedBlock
        self.tiling = tiling
        self.room = room
        self.seed = seed
    }

    func view(_ index: Int, of example: Int) -> AugmentedView {
        AugmentedView(index: index, example: example, seed: seed)
    }

    /// - Parameter isCancelled: Asked before each block of the encoder, which in a large model takes its time.
    func encoding(view index: Int, of example: Int, isCancelled: () -> Bool) throws(AdaptationError) -> Encoding {
        let key = Key(example: example, part: .view(index), label: nil)
        if let known = kept[key] { return known }
        let view = view(index, of: example)
        let mask = view.flipped(support.examples[example].mask)
        let window = tiling.map { view.tile($0, of: mask) } ?? view.window(about: mask, model: model.configuration)
        let image = view.flipped(support.examples[example].image)
        return keep(try encode(image, window, view, isCancelled), key)
    }

    /// A part of the image as it came, as ``TiledImage`` shows it.
    func encoding(tile window: PixelBox, of example: Int, isCancelled: () -> Bool) throws(AdaptationError) -> Encoding {
        let key = Key(example: example, part: .tile(window), label: nil)
        if let known = kept[key] { return known }
        return keep(try encode(support.examples[example].image, window, nil, isCancelled), key)
    }

    private func keep(_ encoding: Encoding, _ key: Key) -> Encoding {
        if reserve(encoding.activations.count) { kept[key] = encoding }
        return encoding
    }

    /// The truth of one label in a view whose geometry is known from its encoding.
    func target(view index: Int, of item: SupportSet.Item, _ geometry: ImageGeometry) -> MaskTarget {
        let key = Key(example: item.example, part: .view(index), label: item.label)
        if let known = targets[key] { return known }
        let target = MaskTarget(mask(view: index, of: item), geometry: geometry, side: model.configuration.logitsSide)
        if reserve(target.truth.count + target.weight.count) { targets[key] = target }
        return target
    }

    /// What draws prompts in the part of the image that a view shows, in pixels of the flipped image; nil: the label is not in it.
    func simulator(view index: Int, of item: SupportSet.Item, window: PixelBox) -> PromptSimulator? {
        PromptSimulator(mask: mask(view: index, of: item).cropped(to: window), origin: (window.x0, window.y0))
    }

    private func mask(view index: Int, of item: SupportSet.Item) -> Mask {
        view(index, of: item.example).flipped(support.examples[item.example].labels.mask(item.label))
    }

    /// Whether so many more numbers may be kept; they are counted if so.
    private func reserve(_ numbers: Int) -> Bool {
        guard keptBytes + 4 * numbers <= room else { return false }
        keptBytes += 4 * numbers
        return true
    }

    /// - Parameter view: Whose tone the pixels get; nil: their own.
    private func encode(
        _ shown: RGBImage, _ window: PixelBox?, _ view: AugmentedView?, _ isCancelled: () -> Bool
    ) throws(AdaptationError) -> Encoding {
        let configuration = model.configuration
        let image = Preprocessor(side: configuration.imageSize)(shown, window: window)
        let geometry = image.geometry
        let pixels = Value(
            view?.toned(image.pixels, width: geometry.resizedWidth, height: geometry.resizedHeight) ?? image.pixels)
        let encoder = ImageEncoder(model)
        var activations = encoder.embedPatches(pixels)
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
