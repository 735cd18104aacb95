package import HTTPTypes

/// What identifies the present state of a resource for conditional requests.
package struct Validators: Sendable, Equatable {
    package let tag: EntityTag
    /// Whole seconds since 1970; nil when the resource has no meaningful one.
    package let modified: Int?

    package init(tag: EntityTag, modified: Int? = nil) {
        self.tag = tag
        self.modified = modified
    }
}

/// Conditional requests, RFC 9110 §13.
package enum Precondition: Sendable, Equatable {
    /// Answer as if there had been no condition.
    case met
    /// 304: the client has it already.
    case notModified
    /// 412.
    case failed

    /// Judges the conditions of a request for a resource that exists, in the order of RFC 9110 §13.2.2.
    ///
    /// A date that cannot be read is as good as absent (§13.1.3, §13.1.4).
    package static func evaluate(
        _ method: HTTPRequest.Method, _ fields: HTTPFields, _ current: Validators
    ) -> Precondition {
        let isRead = method == .get || method == .head
        if let header = fields[.ifMatch] {
            guard EntityTagList(header).contains(where: current.tag.stronglyMatches) else { return .failed }
        } else if let limit = fields[.ifUnmodifiedSince].flatMap(HTTPDate.parse), let modified = current.modified {
            guard modified <= limit else { return .failed }
        }
        if let header = fields[.ifNoneMatch] {
            guard !EntityTagList(header).contains(where: current.tag.weaklyMatches) else {
                return isRead ? .notModified : .failed
            }
        } else if isRead, let limit = fields[.ifModifiedSince].flatMap(HTTPDate.parse), let modified = current.modified
        {
            guard modified > limit else { return .notModified }
        }
        return .met
    }
}
