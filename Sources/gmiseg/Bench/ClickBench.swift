import ArgumentParser
import Imaging
import SegmentAnything

/// One box prompt on a known embedding, to a PNG mask of the image's size.
struct ClickBench: Bench {
    static let configuration = CommandConfiguration(
        commandName: "click", abstract: "Box prompt to PNG mask, embedding cached.")
    @OptionGroup var options: BenchOptions

    func measure() throws {
        let model = try options.loadModel()
        let predictor = Predictor(model)
        let side = model.configuration.imageSize
        let embedding = predictor.embed(BenchImage(side: side).image)
        let (low, high) = (Float(side) * 0.28, Float(side) * 0.72)
        let prompt = Prompt(box: Prompt.Box(x0: low, y0: low, x1: high, y1: high))
        let samples = try timed(rounds: options.rounds * 4) {
            let masks = try predictor.segment(embedding, [prompt])
            for mask in masks { _ = PNG.encode(mask.mask()) }
        }
        try options.report("click", model, samples)
    }
}
