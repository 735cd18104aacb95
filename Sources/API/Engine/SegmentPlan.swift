import Adaptation
import Basics
import Imaging
import SegmentAnything
import Storage

/// One image and all that decides on its masks: who answers, and what was asked.
struct SegmentPlan: Sendable {
    let task: TaskRecord?
    let served: ServedModel
    let tier: Tier
    let image: OpenedImage
    let options: SegmentOptions
    /// What the masks may show: the task's labels, or what the receipt says of them; one without a name where there is no task.
    let labels: TaskLabels
    /// The labels that are asked for, in their order; at least one.
    let asked: [Int]
    /// What is known of the task's support set; nil without a task, and when it is not wanted badly enough to wait for.
    let profile: TaskProfile?

    /// The tiles in which the image is answered; nil: it is seen whole, or a part of it at a time.
    var tiling: Tiling? { tier.adapter?.adapter.card.tiling }

    /// Of the image's tiles those that the prompts concern: the answer holds what the encoder makes of each.
    func windows(_ tiling: Tiling, for prompts: [Prompt]) -> [PixelBox] {
        tiling.windows(width: image.width, height: image.height).filter { window in
            // Prompts nearby, which uncertainty tries, may reach beyond the tiles of the prompt itself.
            options.uncertainty || prompts.contains { Tiling.concerns($0, window) }
        }
    }

    /// What the pixels of the image are compared with, where they answer and not its embedding: in tasks of one label alone.
    var pixelPrototypes: PixelPrototypes? {
        guard options.prompts.isEmpty, !options.multimask, asked.count == 1, let known = profile?[asked[0]] else {
            return nil
        }
        return known.route == .pixels ? known.pixels : nil
    }

    /// Whether the image is also seen by the base model's encoder: where likeness helps an adapter that trained the encoder.
    var isSeenByBaseToo: Bool {
        options.prompts.isEmpty && !options.multimask && tier.adapter?.adapter.adjustment.adaptsEncoder == true
            && asked.contains { profile?[$0].route == .blend }
    }

    /// Below so many pixels a region of a label's mask without a prompt, or one of its objects, is debris; nil where nothing is dropped.
    func leastRegion(_ label: Int) -> Int? {
        options.multimask ? nil : profile?.leastRegion(label, image: image)
    }
}

/// An image whose identity and size are known, and whose pixels can be had.
struct OpenedImage: Sendable {
    let hash: String
    let width: Int
    let height: Int
    /// How the request gave it: sent along, or by its identifier.
    var field: String { path == nil ? "image" : "image_id" }
    private let decoded: RawImage?
    private let path: String?
    /// What its pixels take, set aside for as long as they are kept.
    private let room: AnswerMemory.Room?
    /// The pixels as the model takes them, once somebody has needed them: a request with many boxes does so many times.
    private let colours = Lock<(image: RGBImage, room: AnswerMemory.Room?)?>(nil)

    init(_ raw: RawImage, room: AnswerMemory.Room? = nil) {
        self.room = room
        hash = PixelHash.of(raw)
        width = raw.width
        height = raw.height
        decoded = raw
        path = nil
    }

    init(hash: String, width: Int, height: Int, path: String) {
        self.hash = hash
        self.width = width
        self.height = height
        self.path = path
        decoded = nil
        room = nil
    }

    /// The pixels through the window that `Preprocessing` names.
    func rgb(limits: ImageLimits, memory: AnswerMemory) throws(Problem) -> RGBImage {
        if let known = colours.withLock({ $0 }) { return known.image }
        let own =
            decoded == nil
            ? try memory.claim(
                AnswerSize.colours(width: width, height: height), for: "an image of \(width) × \(height) pixels",
                field: "image_id") : nil
        let made = RGBImage(try raw(limits: limits), window: Preprocessing.window)
        colours.withLock { $0 = (made, own) }
        return made
    }

    private func raw(limits: ImageLimits) throws(Problem) -> RawImage {
        if let decoded { return decoded }
        do {
            return try ImageDecoder.decode(path: path ?? "", limits: limits)
        } catch {
            throw Problem(error, field: "image_id", name: "the stored image")
        }
    }
}
