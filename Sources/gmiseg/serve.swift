import API
import ArgumentParser
import Basics
import Dispatch
import Foundation
import HTTP
import Logging
import Posix
import SegmentAnything
import Server
import Storage
import TLS

/// Reads the configuration, wires the parts, starts, and returns when the server has been told to stop and has done so.
///
/// A free function: handlers written inside `main` would belong to the main actor and trap on Dispatch's threads.
func serve(_ options: ServeCommand) throws {
    Signals.ignoreBrokenPipe()
    LoggingSystem.bootstrap { label in
        if options.logFormat == .json { return JSONLogHandler(label: label, level: options.logLevel) }
        var handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = options.logLevel
        return handler
    }
    let log = Logger(label: "gmiseg")
    let tokens = TokenFile(dataFolder: options.data.folder)
    if !options.ephemeral { warnOfOpenFolder(options.data.folder, log) }
    let memory = options.ephemeral ? try EphemeralFolder() : nil
    defer { memory?.remove() }
    let data = memory?.path ?? options.data.folder
    let access = try AccessControl(tokens, log: Logger(label: "gmiseg.access"))
    let inherited = ServiceManager.takeSockets()
    let addresses = try (inherited.isEmpty ? options.listen : []).map { try Address($0) }
    if !inherited.isEmpty, options.listen != ServeCommand.standardAddresses {
        log.warning(
            "--listen counts for nothing: the service manager has opened the sockets",
            metadata: ["hint": "set ListenStream in gmiseg.socket"])
    }
    if !access.isRequired, !options.insecureOpen {
        try refuseReachable(addresses + inherited.compactMap(\.address), data: options.data.folder)
    }
    let identity = try loadIdentity(options)
    options.threads.apply()

    let installation = Installation()
    let models = try loadModels(options.model, installation)
    let store = try SQLiteStore(directory: data)

    var serving = Server.Configuration(listen: addresses, spoolDirectory: store.spoolDirectory)
    var configuration = Service.Configuration()
    configuration.minimumFreeBytes = serving.limits.diskReserve
    configuration.embeddingCacheBytes = options.cacheMegabytes << 20
    configuration.jobMemory = MemoryBudget(bytes: options.jobMegabytes.map { $0 << 20 })
    let answerMemory = options.answerMegabytes.map { $0 << 20 } ?? MemorySpace.free.map { $0 / 2 }
    configuration.answerMemory = AnswerMemory(bytes: answerMemory ?? .max)
    if let answerMemory { serving.limits.unsentBytes = max(64 << 20, answerMemory / 4) }
    configuration.isOpen = options.insecureOpen
    configuration.retention = options.retention?.duration
    configuration.publicDirectory = installation.find("Public")
    configuration.contract = installation.find("openapi.yaml").flatMap {
        try? [UInt8](Data(contentsOf: URL(filePath: $0)))
    }
    let auditLog = options.noAudit ? nil : try AuditLog(dataFolder: data, log: Logger(label: "gmiseg.audit"))
    let service = Service(
        models: models, store: store, configuration: configuration, access: access, auditLog: auditLog,
        log: Logger(label: "gmiseg.service")
    )
    serving.identity = identity
    serving.inherited = inherited
    let logsRequests = options.logFormat == .json && options.logLevel <= .info
    let server = Server(
        configuration: serving, handler: APIHandler(service),
        refuse: { Problem($0).response },
        accessLog: { entry in
            service.telemetry.count(entry)
            if logsRequests {
                RequestLog.write(entry)
            } else if options.logLevel <= .debug {
                log.debug(
                    "request",
                    metadata: [
                        "request": "\(entry.id)", "method": "\(entry.method)", "route": "\(entry.route)",
                        "status": "\(entry.status)", "duration": "\(entry.duration)", "sent": "\(entry.responseBytes)",
                    ])
            }
        })
    service.telemetry.watch(connections: { [weak server] in server?.connectionCount ?? 0 })

    // First of all: a job that begins for a server that cannot listen would have been tried once for nothing.
    let bound = try server.start()
    try service.start()
    service.startRetention()
    if server.connectionLimit < serving.limits.connections {
        log.warning(
            "this process may not open enough files for all connections",
            metadata: ["connections": "\(server.connectionLimit)", "hint": "raise its hard limit, ulimit -Hn"])
    }
    for served in models.all {
        log.info("model", metadata: ["name": "\(served.name)", "sha256": "\(served.model.sha256)"])
    }
    log.info("ready", metadata: ["data": "\(data)"])

    let stopped = DispatchGroup()
    stopped.enter()
    stopped.enter()
    let isStopping = Lock(false)
    // Once is enough: whoever cannot wait sends SIGKILL, which loses nothing but the training since the last checkpoint.
    let stop = { @Sendable in
        let isFirst = isStopping.withLock { isStopping in
            defer { isStopping = true }
            return !isStopping
        }
        guard isFirst else { return }
        log.info("stopping")
        ServiceManager.notify("STOPPING=1")
        service.stop { stopped.leave() }
        server.drain { stopped.leave() }
    }
    Signals.onTermination(stop)
    if let identity {
        Signals.onHangUp { @Sendable in
            do throws(TLSError) {
                try identity.reload()
                log.notice("the certificate was read again")
            } catch {
                log.error("the new certificate is not used", metadata: ["error": "\(error)"])
            }
        }
    } else if isatty(STDIN_FILENO) == 0 {
        // `systemctl reload` must not end a server that has nothing to read again; a terminal that goes away still does.
        Signals.onHangUp { @Sendable in log.notice("there is no certificate to read again") }
    }
    do {
        try announce(bound.map { url($0, isEncrypted: identity != nil) }, readyFile: options.readyFile)
    } catch {
        // The job that runs by now goes back into the queue: it was not its fault.
        stop()
        stopped.wait()
        throw error
    }
    ServiceManager.notify("READY=1")
    let watchdog = Watchdog()
    stopped.wait()
    watchdog.stop()
    store.close()
    auditLog?.flush()
    log.info("stopped")
    LogLines.standardError.flush()
}

/// The models that the options name, each a file, a name in models/ or NAME=FILE; the embedded one when they name none.
private func loadModels(_ options: [String], _ installation: Installation) throws -> ServedModels {
    let models = try (options.isEmpty ? [nil] : options.map(Optional.some)).map { option in
        let (name, file) = split(option)
        return ServedModel(try SegmentAnythingModel(path: installation.requireModel(named: file)), name: name)
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

/// Throws when other machines could reach one of the addresses: nobody there would be asked who they are, and nobody said aloud
/// that this is meant.
///
/// - Parameter data: The folder whose tokens the server asks for.
private func refuseReachable(_ addresses: [Address], data: String) throws {
    guard let address = addresses.first(where: { !$0.isLoopback }) else { return }
    throw ValidationError(
        "\(address) can be reached by other machines, and this server asks nobody who they are. Make a token (gmiseg token "
            + "create --data \(data) --owner NAME), listen on 127.0.0.1, or say --insecure-open if the network is "
            + "one you trust.")
}

/// A data folder that is there already is not closed to others, as it may be shared on purpose; whoever did not mean it is told.
private func warnOfOpenFolder(_ path: String, _ log: Logger) {
    guard let mode = FileMode.of(path), mode.othersMayEnter else { return }
    log.warning(
        "other users of this machine may look into the data folder",
        metadata: ["data": "\(path)", "mode": "\(mode)", "hint": "chmod 700 \(path)"])
}

private func url(_ address: Address, isEncrypted: Bool) -> String {
    if case .unix = address { address.description } else { "http\(isEncrypted ? "s" : "")://\(address)" }
}

/// The certificate that the options name; nil when they name none.
private func loadIdentity(_ options: ServeCommand) throws -> TLSIdentity? {
    guard let certificate = options.tlsCertificate, let key = options.tlsKey else { return nil }
    return try TLSIdentity(
        .init(certificate: certificate, key: key, clientAuthority: options.tlsClientAuthority))
}

/// One line for each address to standard output, and into the file, which appears whole.
private func announce(_ addresses: [String], readyFile: String?) throws {
    let lines = addresses.map { "listening on \($0)\n" }.joined()
    // Not print: its buffer would keep the line from a script that waits for it.
    StandardStream.output.write(lines)
    if let readyFile {
        try Data((addresses.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: readyFile), options: .atomic)
    }
}
