import API
import ArgumentParser
import SegmentAnything
import Tensor

/// `gmiseg model verify`.
struct ModelVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compare a model's masks at another precision with those of its floats.",
        discussion: """
            Segments every image in --images twice, with prompts simulated from its mask (DIR/images and DIR/masks, same \
            names) or, without one, with boxes and points on a grid. The agreement is written beside the model, where \
            serve --precision int8 looks for it.
            """)

    @Argument(help: "The file, or the name of one in models/ (default: gmiseg-mini).")
    var model: String?

    @Option(help: "The precision to compare: int8.")
    var precision = Precision.int8

    @Option(help: "Folder of images, or of images/ and masks/. May be repeated.")
    var images: [String] = []

    @Option(help: "Take at most this many images of each folder, spread over it; 0 means all.")
    var limit = 0

    @Option(help: "Write the agreement to this file (default: the model's file name with .int8.json added).")
    var record: String?

    @Option(help: "Processor threads (default: all cores).")
    var threads: Int?

    @Flag(help: "Print the sums only.")
    var quiet = false

    func validate() throws {
        guard precision == .int8 else { throw ValidationError("--precision f32 is what int8 is compared with") }
        guard !images.isEmpty else { throw ValidationError("name a folder of images: --images DIR") }
        guard limit >= 0 else { throw ValidationError("--limit must not be negative") }
        if let threads, !(1...1_024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
    }

    func run() throws {
        if let threads { Threads.count = threads }
        let entries = try images.flatMap { Self.spread(try ImageFolder($0).entries, limit: limit) }
        guard let path = Installation().model(named: model) else {
            throw ValidationError("no model found: give a file, or set GMISEG_HOME to the folder that has models/")
        }
        let agreement = try PrecisionVerification(
            model: SegmentAnythingModel(path: path), images: entries, isQuiet: quiet
        ).run()
        let file = record ?? PrecisionAgreement.path(besideModel: path)
        try agreement.write(to: file)
        print("recorded in \(file)")
        let isEnough =
            agreement.meanIoU >= PrecisionAgreement.requiredMeanIoU
            && agreement.images >= PrecisionAgreement.requiredImages
        guard isEnough else {
            print(
                "not enough for serve --precision int8: that takes a mean mask IoU of "
                    + "\(PrecisionAgreement.requiredMeanIoU) on \(PrecisionAgreement.requiredImages) images")
            throw ExitCode.failure
        }
    }

    /// At most `limit` of `entries`, at equal distances.
    private static func spread(_ entries: [ImageFolder.Entry], limit: Int) -> [ImageFolder.Entry] {
        guard limit > 0, entries.count > limit else { return entries }
        return (0..<limit).map { entries[$0 * entries.count / limit] }
    }
}
