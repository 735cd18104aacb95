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
        let target: MaskTarget
        /// What draws prompts in a tile; nil: the object is not in it, or it is no tile.
        let simulator: PromptSimulator?

        var byteCount: Int { 4 * (activations.count + target.truth.count + target.weight.count) }
    }

    private enum Key: Hashable {
        case view(Int, example: Int)
        case tile(PixelBox, example: Int)
    }

    private let model: SegmentAnythingModel
    private let support: SupportSet
    let firstAdaptedBlock: Int
    /// How the views are cut; nil: they show the image.
    let tiling: Tiling?
    private let room: Int
    private let seed: UInt64
    private var kept: [Key: Encoding] = [:]
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
        let key = Key.view(index, example: example)
        if let known = kept[key] { return known }
        let view = view(index, of: example)
        let mask = view.flipped(support.examples[example].mask)
        let window = tiling.map { view.tile($0, of: mask) } ?? view.window(about: mask, model: model.configuration)
        let image = view.flipped(support.examples[example].image)
        let made = try encode(image, mask, window, view, isCancelled)
        return keep(key, made)
    }

    /// A part of the image as it came, as ``TiledImage`` shows it.
    func encoding(tile window: PixelBox, of example: Int, isCancelled: () -> Bool) throws(AdaptationError) -> Encoding {
        let key = Key.tile(window, example: example)
        if let known = kept[key] { return known }
        let (image, mask) = (support.examples[example].image, support.examples[example].mask)
        let made = try encode(image, mask, window, nil, isCancelled)
        return keep(key, made)
    }

    private func keep(_ key: Key, _ encoding: Encoding) -> Encoding {
        if keptBytes + encoding.byteCount <= room {
            kept[key] = encoding
            keptBytes += encoding.byteCount
        }
        return encoding
    }

    /// - Parameter view: Whose tone the pixels get; nil: their own.
    private func encode(
        _ shown: RGBImage, _ mask: Mask, _ window: PixelBox?, _ view: AugmentedView?, _ isCancelled: () -> Bool
    ) throws(AdaptationError) -> Encoding {
        let configuration = model.configuration
        let image = Preprocessor(side: configuration.imageSize)(shown, window: window)
        let geometry = image.geometry
        let pixels = Value(
            view?.toned(image.pixels, width: geometry.resizedWidth, height: geometry.resizedHeight) ?? image.pixels)
        let encoder = ImageEncoder(model)
        var activations = encoder.prefix(pixels, blocks: 0)
        for block in 0..<firstAdaptedBlock {
            guard !isCancelled() else { throw .cancelled(step: 0) }
            activations = encoder.advanced(activations, through: block)
        }
        if firstAdaptedBlock == configuration.depth {
            activations = encoder.finish(activations, from: firstAdaptedBlock)
        }
        let part = tiling == nil ? mask : mask.cropped(to: geometry.window)
        return Encoding(
            activations: activations.tensor, geometry: geometry,
            target: MaskTarget(mask, geometry: geometry, side: configuration.logitsSide),
            simulator: tiling == nil
                ? nil : PromptSimulator(mask: part, origin: (geometry.window.x0, geometry.window.y0)))
    }
}
