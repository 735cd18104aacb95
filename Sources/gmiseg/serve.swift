import API
import ArgumentParser
import Basics
import Dispatch
import Foundation
import Logging
import Posix
import SegmentAnything
import Server
import Storage
import Tensor

/// Reads the configuration, wires the parts, starts, and returns when the server has been told to stop and has done so.
///
/// A free function: handlers written inside `main` would belong to the main actor and trap on Dispatch's threads.
func serve(_ options: ServeCommand) throws {
    Signals.ignoreBrokenPipe()
    LoggingSystem.bootstrap { label in
        var handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = options.logLevel
        return handler
    }
    let log = Logger(label: "gmiseg")
    let addresses = try options.listen.map { try loopbackUnlessOpen($0, isOpen: options.insecureOpen) }
    if let threads = options.threads { Threads.count = threads }

    let installation = Installation()
    let models = try loadModels(options.model, installation)
    let data = options.data ?? ProcessInfo.processInfo.environment["GMISEG_DATA"] ?? "gmiseg-data"
    let store = try SQLiteStore(directory: data)

    var configuration = Service.Configuration()
    configuration.embeddingCacheBytes = options.cacheMegabytes << 20
    configuration.publicDirectory = installation.find("Public")
    configuration.contract = installation.find("openapi.yaml").flatMap {
        try? [UInt8](Data(contentsOf: URL(filePath: $0)))
    }
    let service = Service(
        models: models, store: store, configuration: configuration, log: Logger(label: "gmiseg.service"))
    let server = Server(
        configuration: .init(listen: addresses, spoolDirectory: store.spoolDirectory), handler: APIHandler(service),
        refuse: { Problem($0).response },
        accessLog: { entry in
            log.debug(
                "request",
                metadata: [
                    "number": "\(entry.number)", "method": "\(entry.method)", "path": "\(entry.path)",
                    "status": "\(entry.status)", "duration": "\(entry.duration)", "sent": "\(entry.responseBytes)",
                ])
        })

    try service.start()
    let bound = try server.start()
    for served in models.all {
        log.info("model", metadata: ["name": "\(served.name)", "sha256": "\(served.model.sha256)"])
    }
    log.info("ready", metadata: ["data": "\(data)"])

    let stopped = DispatchGroup()
    stopped.enter()
    stopped.enter()
    let isStopping = Lock(false)
    Signals.onTermination { @Sendable in
        // Once is enough: whoever cannot wait sends SIGKILL, which loses nothing but the training since the last checkpoint.
        let isFirst = isStopping.withLock { isStopping in
            defer { isStopping = true }
            return !isStopping
        }
        guard isFirst else { return }
        log.info("stopping")
        service.stop { stopped.leave() }
        server.drain { stopped.leave() }
    }
    try announce(bound.map { url($0) }, readyFile: options.readyFile)
    stopped.wait()
    store.close()
    log.info("stopped")
}

/// The models that the options name, each a file, a name in models/ or NAME=FILE; the embedded one when they name none.
private func loadModels(_ options: [String], _ installation: Installation) throws -> ServedModels {
    let models = try (options.isEmpty ? [nil] : options.map(Optional.some)).map { option in
        let (name, file) = split(option)
        guard let path = installation.model(named: file) else {
            throw ValidationError(
                "no model found: give --model FILE, or set GMISEG_HOME to the folder that has models/")
        }
        return ServedModel(try SegmentAnythingModel(path: path), name: name)
    }
    do {
        return try ServedModels(models)
    } catch {
        throw ValidationError("\(error): give one of them another name, --model NAME=FILE")
    }
}

/// `NAME=FILE` into its halves. A path that has the sign somewhere in a folder's name is no such thing.
private func split(_ option: String?) -> (name: String?, file: String?) {
    guard let option, let sign = option.firstIndex(of: "="), sign != option.startIndex,
        !option[..<sign].contains("/")
    else { return (nil, option) }
    return (String(option[..<sign]), String(option[option.index(after: sign)...]))
}

/// The address, unless other machines could reach it and nobody said aloud that they may.
private func loopbackUnlessOpen(_ text: String, isOpen: Bool) throws -> Address {
    let address = try Address(text)
    guard address.isLoopback || isOpen else {
        throw ValidationError(
            "\(text) can be reached by other machines, and this server asks nobody who they are. Listen on 127.0.0.1, or "
                + "say --insecure-open if the network is one you trust.")
    }
    return address
}

private func url(_ address: Address) -> String {
    if case .unix = address { address.description } else { "http://\(address)" }
}

/// One line for each address to standard output, and into the file, which appears whole.
private func announce(_ addresses: [String], readyFile: String?) throws {
    let lines = addresses.map { "listening on \($0)\n" }.joined()
    // Not print: its buffer would keep the line from a script that waits for it.
    FileHandle.standardOutput.write(Data(lines.utf8))
    if let readyFile {
        try Data((addresses.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: readyFile), options: .atomic)
    }
}
