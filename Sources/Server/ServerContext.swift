import HTTP
import Synchronization

/// What all connections of a server share.
final class ServerContext: Sendable {
    let limits: Limits
    let timeouts: Timeouts
    let spoolDirectory: String
    let handler: any Handler
    let refuse: @Sendable (Refusal) -> Response
    let accessLog: (@Sendable (AccessLogEntry) -> Void)?
    let census: Census
    /// Where handlers run, and where bodies are written to disk: apart, so that slow handlers do not hold up uploads.
    let handlers: WorkerPool
    let spool = WorkerPool(label: "gmiseg.spool", width: 4)
    private let numbers = Atomic<UInt64>(0)

    init(
        configuration: Server.Configuration, handler: any Handler, refuse: @escaping @Sendable (Refusal) -> Response,
        accessLog: (@Sendable (AccessLogEntry) -> Void)?
    ) {
        limits = configuration.limits
        timeouts = configuration.timeouts
        spoolDirectory = configuration.spoolDirectory
        self.handler = handler
        self.refuse = refuse
        self.accessLog = accessLog
        handlers = WorkerPool(label: "gmiseg.handler", width: configuration.handlerThreads)
        census = Census(limit: configuration.limits.connections)
    }

    /// A request's number: 1, 2, 3, ...
    func nextNumber() -> UInt64 { numbers.wrappingAdd(1, ordering: .relaxed).newValue }
}
