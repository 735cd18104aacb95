import ArgumentParser
import Client
import Foundation
import SegmentAnything

/// The service under load: small requests on many connections, or clicks while a job runs.
struct HTTPBench: Bench {
    static let configuration = CommandConfiguration(
        commandName: "http", abstract: "GET /healthz on kept-alive connections; or clicks during a job.")
    @OptionGroup var options: BenchOptions

    @Option(name: .shortAndLong, help: "Connections kept busy.")
    var connections = 64

    @Option(help: "Seconds of load.")
    var seconds = 5

    @Flag(help: "Measure clicks without and with an adaptation job instead: --rounds × 20 of each.")
    var duringJob = false

    func validate() throws {
        guard (1...10_000).contains(connections) else { throw ValidationError("--connections must be 1 to 10000.") }
        guard (1...3_600).contains(seconds) else { throw ValidationError("--seconds must be 1 to 3600.") }
    }

    func measure() throws {
        let path = try options.path()
        let model = try SegmentAnythingModel(path: path)
        let threads = options.threads.count
        let server = try ServerProcess(model: path, threads: threads)
        defer { server.stop() }
        if duringJob {
            let rhythm = ClickRhythm(
                client: try Client(server.address), requests: BenchRequests(side: model.configuration.imageSize))
            options.report(
                try rhythm.measure(count: options.rounds * 20, model: model.name, threads: threads))
        } else {
            options.report(
                try HTTPLoad(address: server.address, connections: connections, path: "/healthz")
                    .run(for: .seconds(seconds)))
        }
    }
}
