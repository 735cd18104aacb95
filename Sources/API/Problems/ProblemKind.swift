/// Everything that can go wrong with a request, one case for each remedy; the raw value is the last part of the `type`
/// URI in an answer (RFC 9457 §3.1.1).
package enum ProblemKind: String, CaseIterable, Sendable {
    // What was sent cannot be read.
    case malformedRequest = "malformed-request"
    case malformedJSON = "malformed-json"
    case unknownField = "unknown-field"
    case missingField = "missing-field"
    case invalidValue = "invalid-value"
    case unsupportedMediaType = "unsupported-media-type"
    case tooLarge = "too-large"
    case timeout = "timeout"
    case targetTooLong = "target-too-long"
    case headTooLarge = "head-too-large"
    case expectationFailed = "expectation-failed"
    case notImplemented = "not-implemented"
    case versionNotSupported = "version-not-supported"
    // It can be read, but does not fit together.
    case undecodableImage = "undecodable-image"
    case sizeMismatch = "size-mismatch"
    case emptyMask = "empty-mask"
    case unpairedExample = "unpaired-example"
    case unusableExample = "unusable-example"
    case unusableAdapter = "unusable-adapter"
    case wrongBase = "wrong-base"
    case outsideImage = "outside-image"
    // What it names is not there, or not that way.
    case notFound = "not-found"
    case taskDeleted = "task-deleted"
    case adapterNotReady = "adapter-not-ready"
    case jobEnded = "job-ended"
    case versionServed = "version-served"
    case supportChanged = "support-changed"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    case preconditionFailed = "precondition-failed"
    case rangeNotSatisfiable = "range-not-satisfiable"
    // It was sent before.
    case keyReused = "key-reused"
    case keyInUse = "key-in-use"
    // Who asks, and how often.
    case unauthorized = "unauthorized"
    case forbidden = "forbidden"
    case overQuota = "over-quota"
    // It was our side.
    case busy = "busy"
    case storageFull = "storage-full"
    case modelUnavailable = "model-unavailable"
    case shuttingDown = "shutting-down"
    case internalError = "internal-error"

    package var status: Int {
        switch self {
        case .malformedRequest, .malformedJSON, .unknownField, .missingField, .invalidValue: 400
        case .unsupportedMediaType: 415
        case .tooLarge: 413
        case .timeout: 408
        case .targetTooLong: 414
        case .headTooLarge: 431
        case .expectationFailed: 417
        case .notImplemented: 501
        case .versionNotSupported: 505
        case .undecodableImage, .sizeMismatch, .emptyMask, .unpairedExample, .unusableExample, .unusableAdapter,
            .wrongBase, .outsideImage:
            422
        case .notFound: 404
        case .taskDeleted: 410
        case .adapterNotReady, .jobEnded, .versionServed, .supportChanged: 409
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .keyReused: 422
        case .keyInUse: 409
        case .unauthorized: 401
        case .forbidden: 403
        case .overQuota: 429
        case .preconditionFailed: 412
        case .rangeNotSatisfiable: 416
        case .busy, .modelUnavailable, .shuttingDown: 503
        case .storageFull: 507
        case .internalError: 500
        }
    }

    package var title: String {
        switch self {
        case .malformedRequest: "The request is malformed"
        case .malformedJSON: "The JSON is malformed"
        case .unknownField: "A field is unknown"
        case .missingField: "A field is missing"
        case .invalidValue: "A value is invalid"
        case .unsupportedMediaType: "The content type is not supported"
        case .tooLarge: "The request is over a limit"
        case .timeout: "The request took too long to arrive"
        case .targetTooLong: "The request target is too long"
        case .headTooLarge: "The request head is too large"
        case .expectationFailed: "The expectation cannot be met"
        case .notImplemented: "This part of HTTP is not implemented"
        case .versionNotSupported: "The version of HTTP is not supported"
        case .undecodableImage: "An image cannot be decoded"
        case .sizeMismatch: "Image and mask differ in size"
        case .emptyMask: "A mask is empty"
        case .unpairedExample: "Images and masks do not pair up"
        case .unusableExample: "An example teaches nothing"
        case .unusableAdapter: "The file is no adapter"
        case .wrongBase: "The adapter is of another model"
        case .outsideImage: "A prompt lies outside the image"
        case .notFound: "There is no such thing here"
        case .taskDeleted: "The task was deleted"
        case .adapterNotReady: "The task has no adapter yet"
        case .jobEnded: "The job has ended already"
        case .versionServed: "The version is in use"
        case .supportChanged: "The support set has changed"
        case .methodNotAllowed: "The method is not allowed here"
        case .notAcceptable: "The answer has no such form"
        case .keyReused: "The idempotency key belongs to another request"
        case .keyInUse: "The request is being served already"
        case .unauthorized: "A valid token is needed"
        case .forbidden: "The token does not allow this"
        case .overQuota: "A quota is used up"
        case .preconditionFailed: "A condition of the request does not hold"
        case .rangeNotSatisfiable: "The range lies outside the file"
        case .busy: "The server is busy"
        case .storageFull: "The disk is full"
        case .modelUnavailable: "The model is not available"
        case .shuttingDown: "The server is shutting down"
        case .internalError: "The server failed"
        }
    }
}
