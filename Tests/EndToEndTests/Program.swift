import Client
import Foundation
import SegmentAnything
import Tensor
import TestSupport

/// The built `gmiseg`, run as its users run it.
final class Program {
    private let process = Process()
    private let output = Pipe()
    /// Of standard error; nil when that goes with the tests' own.
    private var errorFile: String?
    /// What was read of standard output and not handed out yet.
    private var text = ""

    /// It lies beside the program that runs the tests.
    static var path: String {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "gmiseg")
            .path
    }

    /// - Parameters:
    ///   - errorFile: Where standard error goes; nil: to the tests' own.
    ///   - directory: Where it works; nil: where the tests do.
    init(
        _ arguments: [String], environment: [String: String] = [:], errorFile: String? = nil, directory: String? = nil
    ) throws {
        process.executableURL = URL(filePath: Self.path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let directory { process.currentDirectoryURL = URL(filePath: directory) }
        process.standardOutput = output
        // No terminal, as under a service manager, wherever the tests run.
        process.standardInput = FileHandle.nullDevice
        // Its complaints belong to the tests' own output: a server that dies says there why.
        process.standardError = FileHandle.standardError
        if let errorFile {
            try Data().write(to: URL(filePath: errorFile))
            process.standardError = try FileHandle(forWritingTo: URL(filePath: errorFile))
            self.errorFile = errorFile
        }
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// The next line of standard output; nil at its end.
    func line() -> String? {
        while true {
            if let end = text.firstIndex(of: "\n") {
                let line = String(text[..<end])
                text = String(text[text.index(after: end)...])
                return line
            }
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { return nil }
            text += String(decoding: data, as: UTF8.self)
        }
    }

    /// All of standard output that is still to come.
    func rest() -> String {
        var lines: [String] = []
        while let line = line() { lines.append(line) }
        return (lines + [text]).joined(separator: "\n")
    }

    /// What it wrote to standard error so far.
    func errors() -> String { errorFile.flatMap { try? String(contentsOfFile: $0, encoding: .utf8) } ?? "" }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Ends it as a power cut would.
    func crash() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks it to end, and gives its exit status when it has.
    func terminate() -> Int32 {
        kill(process.processIdentifier, SIGTERM)
        return exitStatus()
    }

    func exitStatus() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// The processes of this machine that have `text` in their command line.
func processes(naming text: String) -> [String] {
    listDirectory("/proc").filter { name in
        name.allSatisfy(\.isNumber)
            && (try? String(decoding: Data(contentsOf: URL(filePath: "/proc/\(name)/cmdline")), as: UTF8.self))
                .map { $0.contains(text) } ?? false
    }
}

/// A folder with a tiny random model, over which servers come and go.
struct Workplace {
    let folder: TemporaryDirectory
    var model: String
    var data: String { folder.file("data") }

    init() throws {
        folder = try TemporaryDirectory()
        model = folder.file("tiny.safetensors")
        try SegmentAnythingModel(configuration: .tiny, randomSeed: 11).write(to: model, as: .float32)
    }

    /// A running server and its client.
    func serve(
        _ further: [String] = [], capturesErrors: Bool = false
    ) throws -> (program: Program, client: Client) {
        let program = try Program(
            [
                "serve", "--listen", "127.0.0.1:0", "--data", data, "--model", model, "--ready-file",
                folder.file("ready"),
            ] + (further.contains("--log-level") ? [] : ["--log-level", "error"]) + further,
            errorFile: capturesErrors ? folder.file("errors") : nil)
        guard let line = program.line(), line.hasPrefix("listening on ") else { throw Unready() }
        return (program, try Client(String(line.dropFirst("listening on ".count))))
    }

    struct Unready: Error {}
}
