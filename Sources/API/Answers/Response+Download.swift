import HTTP
import HTTPTypes
import Posix
import Server

/// What can be asked for on a condition and in parts: adapters, images, the pages of `Public/`, the contract.
struct Download {
    enum Source {
        case file(path: String)
        case bytes([UInt8])

        /// All of it, or the bytes of `range`, which lies within.
        func body(_ range: Range<Int>? = nil) throws -> ResponseBody {
            switch self {
            case .file(let path): .file(try FileSlice(path: path, range: range))
            case .bytes(let bytes): .bytes(range.map { Array(bytes[$0]) } ?? bytes)
            }
        }
    }

    let source: Source
    let type: String
    let validators: Validators
    /// `private, no-cache` unless said otherwise: kept by the client alone, and asked for again each time.
    var cacheControl = "private, no-cache"
    /// The value of Content-Disposition; nil: shown where it is opened.
    var disposition: String?

    /// 200, 206, 304, 412 or 416, as the request's conditions and ranges have it (RFC 9110 §13, §14).
    func answer(to request: Request) throws -> Response {
        let current = validators.matchingCoded(request.fields)
        var fields = HTTPFields()
        fields[.eTag] = current.tag.description
        fields[.lastModified] = validators.modified.map { HTTPDate.format(secondsSince1970: $0) }
        fields[.cacheControl] = cacheControl
        if Response.isCompressible(type) { fields[.vary] = "Accept-Encoding" }
        switch Precondition.evaluate(request.method, request.fields, current) {
        case .notModified:
            return Response(.notModified, fields: fields)
        case .failed:
            throw Problem(
                .preconditionFailed,
                "the file is not, or no longer, the one that If-Match or If-Unmodified-Since names",
                field: "If-Match", hint: "the current ETag is \(validators.tag); ask for it without the condition")
        case .met: fields[.eTag] = validators.tag.description
        }
        fields[.contentType] = type
        fields[.contentDisposition] = disposition
        fields[.xContentTypeOptions] = "nosniff"
        fields[.acceptRanges] = "bytes"
        let whole = try source.body()
        switch ByteRange.requested(request.method, request.fields, validators, size: whole.count) {
        case .whole:
            return Response(.ok, fields: fields, body: whole)
        case .part(let range):
            fields[.contentRange] = ByteRange.contentRange(range, of: whole.count)
            return Response(.partialContent, fields: fields, body: try source.body(range))
        case .unsatisfiable:
            throw Problem(
                .rangeNotSatisfiable, "the file has \(whole.count) bytes, none of them in the range asked for",
                field: "Range", hint: "ask for bytes below \(whole.count), or leave Range out",
                headers: [.init(name: "Content-Range", value: "bytes */\(whole.count)")])
        }
    }
}

extension Validators {
    /// With the tag of the compressed form, when that is the one that the client names: what it holds is then as current.
    fileprivate func matchingCoded(_ fields: HTTPFields) -> Validators {
        let coded = tag.coded("gzip")
        // If-Match is looked at first (RFC 9110 §13.2.2).
        guard let header = fields[.ifMatch] ?? fields[.ifNoneMatch], case .tags(let tags) = EntityTagList(header),
            tags.contains(where: coded.weaklyMatches), !tags.contains(where: tag.weaklyMatches)
        else { return self }
        return Validators(tag: coded, modified: modified)
    }
}
