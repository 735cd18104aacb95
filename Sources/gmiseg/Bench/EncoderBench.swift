import ArgumentParser
import SegmentAnything

/// One image through the image encoder, resizing and normalisation included.
struct EncoderBench: Bench {
    static let configuration = CommandConfiguration(commandName: "encoder", abstract: "Image to embedding.")
    @OptionGroup var options: BenchOptions

    @Option(help: "What the encoder computes in: f32 or int8.")
    var precision = Precision.f32

    func measure() throws {
        let model = try options.loadModel()
        let predictor = Predictor(model, precision: precision.prepared(from: model))
        let image = BenchImage(side: model.configuration.imageSize).image
        try options.report(
            "encoder", model, precision: precision, timed(rounds: options.rounds) { _ = predictor.embed(image) })
    }
}
