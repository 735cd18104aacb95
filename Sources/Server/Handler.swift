package import HTTPTypes

/// What answers requests.
package protocol Handler: Sendable {
    /// Answers `request` by way of `reply`, now or later, from any thread.
    ///
    /// Called on a concurrent queue: it may block for short I/O, not for minutes; long work belongs on a queue of its own.
    func respond(to request: Request, reply: ResponseWriter)

    /// What a log calls the place that the request is for; nil for places that are not there. Must be quick.
    func route(of head: HTTPRequest) -> String?

    /// Whether this request is answered at once, from memory. `respond` then runs on the connection's own queue, which spares two
    /// changes of thread, and must neither block nor compute for long.
    func isImmediate(_ head: HTTPRequest) -> Bool

    /// An answer that needs no body, given as soon as the head is there: unknown path, wrong method, no permission. A client
    /// that means to send a gigabyte to the wrong place is then told so first. Nil: go on. Must be quick.
    ///
    /// - Parameter id: The request's name, which `Request.id` has later.
    func refusal(before body: HTTPRequest, id: @autoclosure () -> String) -> Response?

    /// Whether what this request sends is to be stored, and not only looked at. Must be quick.
    func keepsBody(of head: HTTPRequest) -> Bool
}

extension Handler {
    package func route(of head: HTTPRequest) -> String? { nil }
    package func isImmediate(_ head: HTTPRequest) -> Bool { false }
    package func refusal(before body: HTTPRequest, id: @autoclosure () -> String) -> Response? { nil }
    package func keepsBody(of head: HTTPRequest) -> Bool { false }
}
