import HTTP
package import HTTPTypes
import Logging
package import Server

/// HTTP in, HTTP out: finds the route, runs its handler where its kind of work belongs, and turns every error into a
/// problem document.
package struct APIHandler: Handler {
    /// Where a handler runs.
    enum Endpoint: Sendable {
        /// From memory, in microseconds.
        case immediate(@Sendable (Service, RequestContext) throws -> Response)
        /// Reads or writes the disk for a few milliseconds.
        case blocking(@Sendable (Service, RequestContext) throws -> Response)
        /// Hands work to the model's queues or waits for a job.
        case working(@Sendable (Service, RequestContext) async throws -> Response)
        /// Answers over a longer time by itself, once it has not thrown; gives the status with which it begins.
        case streaming(@Sendable (Service, RequestContext, ResponseWriter) throws -> HTTPResponse.Status)
    }

    private let service: Service
    private let router: Router<Endpoint>
    private let health = ConstantDestination(route: "/healthz", Service.alive)

    package init(_ service: Service) {
        self.service = service
        router = Routes.router
    }

    /// Every method and path there is; the tests hold `openapi.yaml` against it.
    package var routes: [(method: HTTPRequest.Method, pattern: String)] { router.routes }

    package func destination(of head: HTTPRequest) -> any Destination {
        // Whoever asks whether the process lives asks often.
        if head.path == "/healthz", head.method == .get || head.method == .head { return health }
        return RoutedRequest(handler: self, method: head.method, match: match(head.method, head.pathWithoutQuery))
    }

    /// A request on its way to its endpoint, or to the answer that there is none.
    private struct RoutedRequest: Destination {
        let handler: APIHandler
        let method: HTTPRequest.Method
        let match: RouteMatch<Endpoint>

        var route: String? { if case .found(_, _, let pattern) = match { pattern } else { nil } }
        var keepsBody: Bool { route.map { AccessRules.stores(method, $0) } ?? false }

        func refusal(before body: HTTPRequest, id: @autoclosure () -> String) -> Response? {
            handler.refusal(before: body, match, route, id: id())
        }

        func respond(to request: Request, reply: ResponseWriter) { handler.respond(to: request, match, reply) }
    }

    /// An upload to nowhere, or by somebody who may not, is told so before it is sent. Here, too, requests are counted.
    private func refusal(
        before body: HTTPRequest, _ match: RouteMatch<Endpoint>, _ pattern: String?, id: @autoclosure () -> String
    ) -> Response? {
        do throws(Problem) {
            try CrossOrigin.check(body, acceptsAnyHost: service.access.isRequired || service.configuration.isOpen)
            if let pattern {
                let scope = AccessRules.scope(for: body.method, pattern)
                try service.access.count(try service.access.authorize(body.headerFields, scope: scope))
            }
        } catch {
            service.audit(refused: body, pattern, error, id: id())
            return error.response
        }
        guard body.method != .get, body.method != .head else { return nil }
        if let coding = body.headerFields[.contentEncoding], coding.lowercased() != "identity" {
            // RFC 9110 §15.5.16, §12.5.3.
            return Problem(
                .unsupportedMediaType, "Content-Encoding \(Quoted(coding)) is not supported", field: "Content-Encoding",
                hint: "send the body as it is, without compression",
                headers: [.init(name: "Accept-Encoding", value: "identity")]
            ).response
        }
        return Self.problem(match, body.method, body.pathWithoutQuery)?.response
    }

    private func respond(to request: Request, _ match: RouteMatch<Endpoint>, _ reply: ResponseWriter) {
        switch match {
        case .found(let endpoint, let parameters, let pattern):
            do {
                let identity = try service.admit(request, pattern)
                let context = RequestContext(request: request, parameters: parameters, identity: identity)
                return try perform(endpoint, context, pattern, reply)
            } catch {
                if let problem = error as? Problem {
                    service.audit(refused: request.head, pattern, problem, id: request.id)
                }
                return send(response(.failure(error), request), to: request, reply)
            }
        case .options(let allow):
            var fields = HTTPFields()
            fields[.allow] = allow.allowValue
            return reply.send(Response(.noContent, fields: fields))
        case .notFound:
            if request.method == .get || request.method == .head, let file = service.staticFile(for: request) {
                return send(response(file, request), to: request, reply)
            }
        case .methodNotAllowed, .malformed: break
        }
        if let problem = Self.problem(match, request.method, request.path) { reply.send(problem.response) }
    }

    /// The route that a request names. A page of `Public/` is one that knows GET alone.
    private func match(_ method: HTTPRequest.Method, _ path: String) -> RouteMatch<Endpoint> {
        let match = router.match(method, path: path)
        guard case .notFound = match, method != .get, method != .head, service.publicFile(at: path) != nil else {
            return match
        }
        let allow: [HTTPRequest.Method] = [.get, .head, .options]
        return method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }

    /// Why a request has no handler; nil when it has one.
    private static func problem(
        _ match: RouteMatch<Endpoint>, _ method: HTTPRequest.Method, _ path: String
    ) -> Problem? {
        switch match {
        case .found, .options: nil
        case .methodNotAllowed(let allow):
            Problem(
                .methodNotAllowed, "\(method.rawValue.prefix(20)) is not possible on \(Quoted(path))",
                hint: "use \(allow.allowValue)", headers: [.init(name: "Allow", value: allow.allowValue)])
        case .malformed:
            Problem(
                .malformedRequest, "the path \(Quoted(path)) has a malformed percent-encoding",
                hint: "write % as %25")
        case .notFound:
            Problem(
                .notFound, "there is nothing at \(Quoted(path))", hint: "GET /openapi.yaml lists every address")
        }
    }

    /// Runs the endpoint, unless the request is one that was done before; tells those who keep record of the answer.
    private func perform(
        _ endpoint: Endpoint, _ context: RequestContext, _ pattern: String, _ reply: ResponseWriter
    ) throws {
        let key = try service.beginIdempotent(context)
        if case .replay(let response) = key {
            service.audit(context, pattern, response)
            return send(response, to: context.request, reply)
        }
        var counted = context
        do {
            counted.addition = try service.checkQuota(context, pattern)
        } catch {
            if case .perform(let key) = key { service.forgetIdempotent(key) }
            throw error
        }
        run(endpoint, counted, pattern, reply) { [self, addition = counted.addition] response in
            addition?.end()
            if case .perform(let key) = key { service.finishIdempotent(key, response) }
            service.audit(context, pattern, response)
            send(response, to: context.request, reply)
        }
    }

    private func run(
        _ endpoint: Endpoint, _ context: RequestContext, _ pattern: String, _ reply: ResponseWriter,
        _ deliver: @escaping @Sendable (Response) -> Void
    ) {
        switch endpoint {
        case .immediate(let handler), .blocking(let handler):
            deliver(response(Result { try handler(service, context) }, context.request))
        case .working(let handler):
            Task { [self] in
                let result: Result<Response, any Error>
                do {
                    result = .success(try await handler(service, context))
                } catch {
                    result = .failure(error)
                }
                deliver(response(result, context.request))
            }
        case .streaming(let handler):
            do {
                service.audit(context, pattern, Response(try handler(service, context, reply)))
            } catch {
                deliver(response(.failure(error), context.request))
            }
        }
    }

    private func send(_ response: Response, to request: Request, _ reply: ResponseWriter) {
        reply.send(response.compressed(for: request))
    }

    private func response(_ result: Result<Response, any Error>, _ request: Request) -> Response {
        switch result {
        case .success(let response): return response
        case .failure(let error):
            let problem = Problem(translating: error)
            if problem.status >= 500, problem.kind != .busy {
                service.log.error(
                    "request failed",
                    metadata: ["request": "\(request.id)", "error": "\(error)"])
            }
            return problem.response
        }
    }
}
