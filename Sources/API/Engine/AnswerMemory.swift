import Adaptation
import Basics
import Imaging
import SegmentAnything

/// What the images and masks of all answers in progress may take at once. Requests wait for the model with their images decoded, so their
/// number alone bounds nothing.
package final class AnswerMemory: Sendable {
    /// A part of it that is set aside until the value goes.
    package final class Room: Sendable {
        private let memory: AnswerMemory
        private let bytes: Int

        fileprivate init(_ memory: AnswerMemory, _ bytes: Int) {
            self.memory = memory
            self.bytes = bytes
        }

        deinit { memory.taken.withLock { $0 -= bytes } }
    }

    private let capacity: Int
    private let taken = Lock(0)

    package static var unlimited: AnswerMemory { AnswerMemory(bytes: .max) }

    package init(bytes capacity: Int) { self.capacity = capacity }

    /// Bytes that are set aside.
    package var byteCount: Int { taken.withLock { $0 } }

    /// Sets `bytes` aside. 413 when that is more than there ever is, 503 when others have it for the moment.
    ///
    /// - Parameters:
    ///   - what: What needs them: "a mask of …".
    ///   - field: Where it came.
    package func claim(_ bytes: Int, for what: @autoclosure () -> String, field: String) throws(Problem) -> Room {
        guard bytes <= capacity else {
            throw Problem(
                .tooLarge,
                "\(what()) may take \(Self.megabytes(bytes)) of memory, and \(Self.megabytes(capacity)) are for all answers",
                field: field,
                hint:
                    "crop or scale the image, ask for fewer boxes or labels at a time, or have the server started with a larger "
                    + "--answer-memory-mb")
        }
        let isFree = taken.withLock { taken in
            guard bytes <= capacity - taken else { return false }
            taken += bytes
            return true
        }
        guard isFree else {
            throw Problem(
                .busy, "other answers have the memory that \(what()) may take", field: field,
                hint: "try again in a few seconds", headers: [.init(name: "Retry-After", value: "5")])
        }
        return Room(self, bytes)
    }

    /// Sets aside what a mask prompt takes until the answer; nil where there is none.
    func claim(maskPrompt mask: Mask?, field: String) throws(Problem) -> Room? {
        guard let mask else { return nil }
        return try claim(
            AnswerSize.maskPrompt(mask), for: "a mask prompt of \(mask.width) × \(mask.height) pixels", field: field)
    }

    private static func megabytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
}

/// What an answer keeps, in bytes: estimates on the safe side.
enum AnswerSize {
    /// An image from its decoding to its answer: up to four samples of 16 bits, perhaps a palette's indices, and the colours that the model
    /// sees, perhaps mirrored.
    static func image(width: Int, height: Int) -> Int { 15 * width * height }

    /// The colours alone, of an image that is stored and may be decoded again.
    static func colours(width: Int, height: Int) -> Int { 6 * width * height }

    /// A mask prompt, perhaps mirrored, and its runs as numbers of the receipt and as their text.
    static func maskPrompt(_ mask: Mask) -> Int { 2 * mask.width * mask.height + 80 * mask.runLengths().counts.count }

    /// The masks of a plan and what it takes to make them: of one after the other the logits and their contest, and of all the masks.
    ///
    /// - Parameter hasTruth: Whether they are compared with a ground truth, which takes maps of distances.
    static func masks(_ plan: SegmentPlan, hasTruth: Bool) -> Int {
        let (width, height, options) = (plan.image.width, plan.image.height, plan.options)
        let candidates = options.multimask ? plan.served.model.configuration.multimaskOutputs : 1
        let count =
            options.instances
            ? InstanceFinder.limit : max(1, options.prompts.boxes.count) * candidates * plan.asked.count
        var aPixel = 12 + count
        if hasTruth { aPixel += 24 }
        if options.uncertainty { aPixel += 12 }
        // What objects have taken, and one that it is taken from.
        if options.instances { aPixel += 2 }
        // The likeness to each label, by which they contest the pixels.
        if plan.asked.count > 1 { aPixel += 4 }
        var bytes = width * height * aPixel
        let square = max(width, height) * max(width, height)
        if plan.pixelPrototypes != nil {
            // Their contrast and its window, and in a square of the longer side their logits; of the mirror image and the mean as well, or
            // several of them where the line is varied.
            bytes += 24 * width * height + (options.uncertainty ? 20 : options.flips ? 5 : 3) * 4 * square
        }
        // Of the mirror image too, and their mean in a square of the longer side; in tiles a square of each, of several labels one of their likeness.
        if options.flips {
            let squares = plan.tiling != nil ? 3 : plan.asked.count > 1 ? 2 : 1
            bytes += 8 * width * height + squares * 4 * square
        }
        if let tiling = plan.tiling {
            // What the encoder makes of each tile, of its mirror image, and of the whole.
            let model = plan.served.model.configuration
            let tiles = plan.windows(tiling, for: options.prompts.prompts(for: model)).count + 1
            bytes += tiles * (options.flips ? 2 : 1) * 4 * model.embeddingChannels * model.grid * model.grid
            // A mosaic, and its logits in a square of the longer side; several of them where prompts nearby are tried.
            let spreads = options.uncertainty ? 11 + max(1, options.prompts.boxes.count) : 2
            bytes += 12 * width * height + spreads * 4 * square
        }
        // What was seen at first and close up, of each prompt and perhaps of its mirror image.
        if plan.tier.adapter == nil, !options.multimask, !options.instances {
            let prompts = max(1, options.prompts.boxes.count) * (options.flips ? 2 : 1)
            bytes += Closeup.byteCount(
                prompts: prompts, width: width, height: height, model: plan.served.model.configuration)
        }
        // Where each piece of a mask of pixels is, and its squares one after the other.
        if options.instances, plan.tiling != nil || plan.pixelPrototypes != nil { bytes += 40 * square }
        return bytes
    }
}
