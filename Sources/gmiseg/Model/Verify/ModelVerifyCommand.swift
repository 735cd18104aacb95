import ArgumentParser
import SegmentAnything

/// `gmiseg model verify`: one of two questions about a model file.
struct ModelVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a model file whole, its answers against PyTorch's, or its masks at another precision.",
        discussion: """
            Alone: checksums, every tensor's presence and shape, every weight finite, and whether it is one of the official \
            checkpoints. With --against: also embeddings, logits and masks, compared with what \
            scripts/reference/record_checkpoint.py recorded.

            With --precision int8: every image in --images is segmented twice, with prompts simulated from its mask (DIR/images \
            and DIR/masks, same names) or, without one, with boxes and points on a grid. The agreement is written beside the \
            model. The server itself answers in full precision; int8 is for bench and for this.

            Ends with 1 if anything fails.
            """)

    @Argument(help: "The file, or the name of one in models/ (environment: GMISEG_MODEL; default: gmiseg-mini).")
    var model: String?

    @Option(help: "A recording by record_checkpoint.py, or a folder of them.")
    var against: String?

    @Option(help: "The precision to compare with the model's floats: int8.")
    var precision: Precision?

    @Option(help: "With --precision: folder of images, or of images/ and masks/. May be repeated.")
    var images: [String] = []

    @Option(help: "With --precision: take at most this many images of each folder, spread over it; 0 means all.")
    var limit = 0

    @Option(help: "With --precision: write the agreement here (default: the model's file name with .int8.json added).")
    var record: String?

    @OptionGroup var threads: ThreadsOption

    @Flag(help: "With --precision: print the sums only.")
    var quiet = false

    func validate() throws {
        guard let precision else {
            guard images.isEmpty, limit == 0, record == nil, !quiet else {
                throw ValidationError("--images, --limit, --record and --quiet go with --precision int8")
            }
            return
        }
        guard precision == .int8 else { throw ValidationError("--precision f32 is what int8 is compared with") }
        guard against == nil else { throw ValidationError("give either --against or --precision") }
        guard !images.isEmpty else { throw ValidationError("name a folder of images: --images DIR") }
        guard limit >= 0 else { throw ValidationError("--limit must not be negative") }
    }

    func run() throws {
        threads.apply()
        let path = try Installation().requireModel(named: model)
        let passed = try precision == nil ? checkFile(path) : comparePrecision(path)
        if !passed { throw ExitCode.failure }
    }

    private func checkFile(_ path: String) throws -> Bool {
        let (findings, model) = IntegrityCheck(path: path).run()
        var passed = true
        for finding in findings {
            print(finding.line)
            passed = passed && finding.passed
        }
        guard let against, let model else { return passed }
        let comparison = ReferenceComparison(Predictor(model))
        for path in try ReferenceRecording.files(at: against) {
            let recording = try ReferenceRecording(path: path)
            print("\n\(path), recorded from \(recording.checkpoint)")
            try comparison.compare(recording) { row in
                print(row.line)
                passed = passed && row.passed
            }
        }
        return passed
    }

    private func comparePrecision(_ path: String) throws -> Bool {
        let entries = try images.flatMap { Self.spread(try ImageFolder($0).entries, limit: limit) }
        let agreement = try PrecisionVerification(
            model: SegmentAnythingModel(path: path), images: entries, isQuiet: quiet
        ).run()
        let file = record ?? PrecisionAgreement.path(besideModel: path)
        try agreement.write(to: file)
        print("recorded in \(file)")
        let isEnough =
            agreement.meanIoU >= PrecisionAgreement.requiredMeanIoU
            && agreement.images >= PrecisionAgreement.requiredImages
        if !isEnough {
            print(
                "not enough for int8: that takes a mean mask IoU of "
                    + "\(PrecisionAgreement.requiredMeanIoU) on \(PrecisionAgreement.requiredImages) images")
        }
        return isEnough
    }

    /// At most `limit` of `entries`, at equal distances.
    private static func spread(_ entries: [ImageFolder.Entry], limit: Int) -> [ImageFolder.Entry] {
        guard limit > 0, entries.count > limit else { return entries }
        return (0..<limit).map { entries[$0 * entries.count / limit] }
    }
}
