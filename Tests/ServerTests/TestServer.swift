import Basics
import Dispatch
import HTTP
import HTTPTypes
import Posix
import Server
import TLS
import TestSupport

/// A server on a free port that does what its closure says, with its spool in a directory of its own; at `/constant` it gives the
/// constant answer, if it has one.
final class TestServer: Sendable {
    struct Closure: Handler, Destination {
        let constantPlace: ConstantDestination?
        let early: @Sendable (HTTPRequest) -> Response?
        let body: @Sendable (Request, ResponseWriter) -> Void
        var route: String? { "a place" }
        let keepsBody: Bool
        func destination(of head: HTTPRequest) -> any Destination {
            if head.path == "/constant", let constantPlace { constantPlace } else { self }
        }
        func refusal(before body: HTTPRequest, id: @autoclosure () -> String) -> Response? { early(body) }
        func respond(to request: Request, reply: ResponseWriter) { body(request, reply) }
    }

    let server: Server
    let addresses: [Address]
    let directory: TemporaryDirectory
    let log = Lock<[AccessLogEntry]>([])

    init(
        listen: [String] = ["127.0.0.1:0"], limits: Limits = Limits(), timeouts: Timeouts = Timeouts(),
        constant: Response? = nil, identity: TLSIdentity? = nil, keepsBody: Bool = false,
        inherited: [Socket.Inherited] = [], resources: (@Sendable () -> Resources)? = nil,
        early: @escaping @Sendable (HTTPRequest) -> Response? = { _ in nil },
        _ body: @escaping @Sendable (Request, ResponseWriter) -> Void
    ) throws {
        let directory = try TemporaryDirectory()
        let log = log
        var configuration = Server.Configuration(
            listen: try listen.map { try Address($0) }, spoolDirectory: directory.path, limits: limits,
            timeouts: timeouts, shards: 2)
        configuration.identity = identity
        configuration.resources = resources
        configuration.inherited = inherited
        server = Server(
            configuration: configuration,
            handler: Closure(
                constantPlace: constant.map { ConstantDestination(route: "/constant", $0) }, early: early, body: body,
                keepsBody: keepsBody),
            refuse: { Response($0.status, type: .problemJSON, bytes: Array(#"{"detail":"\#($0.detail)"}"#.utf8)) },
            accessLog: { entry in log.withLock { $0.append(entry) } })
        self.directory = directory
        addresses = try server.start()
    }

    deinit { server.stop() }

    func client(_ index: Int = 0, timeoutSeconds: Int = 60) throws -> LoopbackClient {
        try LoopbackClient(addresses[index].description, timeoutSeconds: timeoutSeconds)
    }

    /// Names of the files now in the spool.
    var spooled: [String] { listDirectory(directory.path).filter { $0.hasPrefix(SpoolFile.namePrefix) } }

    /// Waits until `condition` holds, for at least a minute.
    static func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<6_000 {
            if try condition() { return true }
            pause(milliseconds: 10)
        }
        return false
    }
}

/// Says what arrived: `METHOD path body`, or a form's parts.
@Sendable func describe(_ request: Request, _ reply: ResponseWriter) {
    var text = "\(request.method) \(request.path)"
    switch request.body {
    case .none: break
    case .content(let content):
        let kind = if case .file = content { "file" } else { "memory" }
        text += " \(kind) \(content.count)"
        if content.count < 100, let bytes = try? content.bytes() {
            text += " " + String(decoding: bytes, as: UTF8.self)
        }
    case .multipart(let parts):
        for part in parts {
            let kind = if case .file = part.content { "file" } else { "memory" }
            text += "; \(part.name) \(part.filename ?? "-") \(kind) \(part.content.count)"
        }
    }
    reply.send(Response(type: .text, bytes: Array(text.utf8)))
}
