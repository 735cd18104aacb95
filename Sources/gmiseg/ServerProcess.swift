import ArgumentParser
import Foundation

/// A `gmiseg serve` of our own, on a free loopback port and a data folder of its own; both are gone when it is stopped, or this process is.
final class ServerProcess {
    /// `http://127.0.0.1:PORT`
    let address: String
    private let process: Process
    private let dataFolder: URL

    /// Starts this very executable and waits until it listens.
    ///
    /// - Parameters:
    ///   - model: A file or a name; nil for the embedded one.
    ///   - threads: Nil for all cores.
    /// - Throws: `ValidationError` when the server ends before it listens; its reason is on standard error.
    init(model: String?, threads: Int? = nil) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gmiseg-\(UUID().uuidString)")
        let process = Process()
        process.executableURL = try Executable.url
        process.arguments =
            ["serve", "--listen", "127.0.0.1:0", "--data", folder.path, "--log-level", "warning"]
            + (model.map { ["--model", $0] } ?? []) + (threads.map { ["--threads", "\($0)"] } ?? [])
        let output = Pipe()
        process.standardOutput = output
        try Underway.start(process)
        Underway.add(file: folder)
        guard let address = Self.announcedAddress(output.fileHandleForReading) else {
            Self.stop(process, dataFolder: folder)
            throw ValidationError("the server ended before it listened; its reason stands above")
        }
        self.address = address
        self.process = process
        self.dataFolder = folder
    }

    /// Ends the server as an operator would (SIGTERM: it drains), and removes its data.
    func stop() { Self.stop(process, dataFolder: dataFolder) }

    private static func stop(_ process: Process, dataFolder: URL) {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: dataFolder)
        Underway.remove(file: dataFolder)
        Underway.remove(child: process.processIdentifier)
    }

    /// Reads standard output up to the line that says where the server listens; nil if it ends before.
    private static func announcedAddress(_ output: FileHandle) -> String? {
        var text = ""
        while true {
            let data = output.availableData
            guard !data.isEmpty else { return nil }
            text += String(decoding: data, as: UTF8.self)
            for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
                if let range = line.range(of: "listening on "), text.hasSuffix("\n") {
                    return String(line[range.upperBound...])
                }
            }
        }
    }
}
