import HTTP
import Synchronization
import TLS

/// What all connections of a server share.
final class ServerContext: Sendable {
    let limits: Limits
    let timeouts: Timeouts
    /// Nil: connections are not encrypted.
    let identity: TLSIdentity?
    let spoolDirectory: String
    let handler: any Handler
    let refuse: @Sendable (Refusal) -> Response
    let accessLog: (@Sendable (AccessLogEntry) -> Void)?
    let census: Census
    let admission: AdmissionGate
    let unsent: UnsentOutput
    /// Where handlers run, and where bodies are written to disk: apart, so that slow handlers do not hold up uploads.
    let handlers: WorkerPool
    let spool = WorkerPool(label: "gmiseg.spool", width: 4)
    let requestID = RequestID()
    private let numbers = Atomic<UInt64>(0)

    init(
        configuration: Server.Configuration, handler: any Handler, refuse: @escaping @Sendable (Refusal) -> Response,
        accessLog: (@Sendable (AccessLogEntry) -> Void)?
    ) {
        limits = configuration.limits
        timeouts = configuration.timeouts
        identity = configuration.identity
        spoolDirectory = configuration.spoolDirectory
        self.handler = handler
        self.refuse = refuse
        self.accessLog = accessLog
        handlers = WorkerPool(label: "gmiseg.handler", width: configuration.handlerThreads)
        let directory = configuration.spoolDirectory
        admission = AdmissionGate(
            configuration.limits, measure: configuration.resources ?? { Resources.now(directory) })
        unsent = UnsentOutput(limit: configuration.limits.unsentBytes)
        census = Census(
            limit: configuration.limits.connections, limitPerHost: configuration.limits.connectionsPerAddress)
    }

    /// A request's number: 1, 2, 3, ...
    func nextNumber() -> UInt64 { numbers.wrappingAdd(1, ordering: .relaxed).newValue }
}
