import Adaptation
import HTTPTypes
import Imaging
import Jobs
package import Posix
import SegmentAnything
package import Server
package import Storage

/// The one place where errors of the layers below become answers. Each switch is exhaustive, so that a new case below is a
/// compile error here and not a wrong status.
extension Problem {
    /// Any error that reached the edge.
    package init(translating error: any Error) {
        switch error {
        case let error as Problem: self = error
        case let error as StoreError: self.init(error)
        case let error as SystemCallError: self.init(error)
        case let error as SettingsError: self.init(error)
        case let error as AdapterError: self.init(error)
        case let error as PromptError: self.init(error, path: "prompts")
        default:
            self.init(
                .internalError, "an unexpected error; the server's log has it under this request's number",
                hint: Self.operatorHint)
        }
    }

    init(_ error: ImageError, field: String, name: String) {
        switch error {
        case .tooManyPixels, .sideTooLong, .tooManyBytes:
            self.init(.tooLarge, "\(name): \(error)", field: field, hint: error.hint)
        case .empty, .unknownFormat, .truncated, .corrupt, .unsupported:
            self.init(.undecodableImage, "\(name): \(error)", field: field, hint: error.hint)
        case .unreadable:
            self.init(.internalError, "\(name) could not be read again", field: field, hint: Self.operatorHint)
        }
    }

    private static let operatorHint = "ask the operator to look at the server's log"

    package init(_ error: StoreError) {
        switch error {
        case .diskFull:
            self.init(.storageFull, error.discreetCause, hint: error.fix)
        case .unknown(let kind, let id):
            self.init(.notFound, "there is no \(kind) \(Quoted(id)) (any more)", hint: "it was deleted meanwhile")
        case .supportChanged:
            self.init(
                .supportChanged, error.discreetCause, field: "image",
                hint: "GET /v1/tasks/{id} lists the support set; send what is not in it yet")
        case .missingFile:
            self.init(.notFound, error.discreetCause, hint: error.fix)
        case .invalidIdentifier(let id):
            self.init(.notFound, "\(Quoted(id)) is no identifier of this server", hint: error.fix)
        case .folderInUse, .notWritable, .corrupted, .databaseMissing, .newerSchema, .foreignDatabase, .system,
            .database:
            self.init(.internalError, error.discreetCause, hint: Self.operatorHint)
        }
    }

    package init(_ error: SystemCallError) {
        if error.isOutOfSpace {
            self.init(
                .storageFull, "there is no room left for the server's files", hint: "ask the operator to free space")
        } else {
            self.init(
                .internalError, "a file of the server could not be read or written", hint: Self.operatorHint)
        }
    }

    init(_ error: SettingsError) {
        self.init(
            .invalidValue, "\(error.field) is \(error.found)", field: "task.\(error.field)",
            hint: "give \(error.expectation)")
    }

    init(_ error: AdapterError) {
        self.init(
            .internalError, "the task's adapter cannot be loaded: \(error.discreetCause)",
            hint: "look into the server's log")
    }

    init(_ error: PromptError, path: String) {
        switch error {
        case .outside(let field, _, _):
            self.init(
                .outsideImage, error.description, field: "\(path).\(field)", hint: "keep prompts inside the image")
        case .notFinite(let field), .emptyBox(let field):
            self.init(
                .invalidValue, error.description, field: "\(path).\(field)",
                hint: "give finite numbers, x0 ≤ x1, y0 ≤ y1")
        case .tooManyPoints(_, let limit):
            self.init(.tooLarge, error.description, field: "\(path).points", hint: "give at most \(limit) points")
        case .maskShape:
            self.init(.internalError, error.description, field: path)
        }
    }

    /// What the server refuses before a handler sees it.
    package init(_ refusal: Refusal) {
        let kind: ProblemKind =
            switch refusal.status.code {
            case 408: .timeout
            case 413: .tooLarge
            case 414: .targetTooLong
            case 415: .unsupportedMediaType
            case 417: .expectationFailed
            case 431: .headTooLarge
            case 501: .notImplemented
            case 503: .busy
            case 505: .versionNotSupported
            case 507: .storageFull
            case 500...: .internalError
            default: .malformedRequest
            }
        self.init(kind, refusal.detail, field: refusal.field, hint: refusal.hint)
    }
}

extension AdapterError {
    /// What is wrong, for clients, who are not to know how the disk is laid out.
    var discreetCause: String {
        if case .unreadable = self { "its file cannot be read as safetensors" } else { description }
    }
}
