import HTTP
import HTTPTypes
import Server

/// What the service says about itself: the contract and the kinds of problems.
extension Service {
    func contract(_ context: RequestContext) throws -> Response {
        guard let bytes = configuration.contract else {
            throw Problem(
                .notFound, "openapi.yaml was not found beside the program",
                hint: "set GMISEG_HOME to the folder that has openapi.yaml, Public and models")
        }
        return try Download(
            source: .bytes(bytes), type: MediaType.yaml.essence,
            validators: Validators(tag: contractTag), cacheControl: "no-cache"
        ).answer(to: context.request)
    }

    func listProblems(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        return .json(["problems": .array(ProblemKind.allCases.map(Self.json))])
    }

    /// The document behind a problem's `type` (RFC 9457 §3.1.1).
    func showProblem(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        let name = context.parameters["kind"] ?? ""
        guard let kind = ProblemKind(rawValue: name) else {
            throw Problem.notFound("problem", name, field: "kind", hint: "GET /problems lists them")
        }
        return .json(Self.json(kind))
    }

    private static func json(_ kind: ProblemKind) -> JSON {
        ["type": .string("/problems/\(kind.rawValue)"), "title": .string(kind.title), "status": .integer(kind.status)]
    }
}
