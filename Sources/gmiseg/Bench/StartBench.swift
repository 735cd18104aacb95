import ArgumentParser
import Client
import Foundation
import Imaging
import SegmentAnything

/// From starting the server's process to the first mask in hand, through a real socket.
struct StartBench: Bench {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Process start to the first mask, by HTTP.")
    @OptionGroup var options: BenchOptions

    func measure() throws {
        let path = try options.path()
        let model = try SegmentAnythingModel(path: path)
        let request = BenchRequests(side: model.configuration.imageSize)
        let threads = options.threads.count
        let samples = try timedByItself(rounds: options.rounds) {
            let start = ContinuousClock.now
            let server = try ServerProcess(model: path, threads: threads)
            defer { server.stop() }
            _ = try request.segment(by: Client(server.address))
            return (ContinuousClock.now - start) / .seconds(1)
        }
        options.report(
            Measurement(
                bench: "start", model: model.name, threads: threads, samples: samples,
                randomWeights: options.weightsAreRandom, isThisProcess: false))
    }

    /// What `body` says of each of `rounds` runs, after one that is not counted (it brings the files into memory).
    private func timedByItself(rounds: Int, _ body: () throws -> Double) rethrows -> [Double] {
        _ = try body()
        return try (0..<rounds).map { _ in try body() }
    }
}
