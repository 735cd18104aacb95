package import HTTPTypes

/// What answers requests.
package protocol Handler: Sendable {
    /// Where a request is bound by its method and path. Asked once for each request, on the connection's queue: must be quick.
    func destination(of head: HTTPRequest) -> any Destination
}

/// What becomes of one request, once its head is there.
package protocol Destination: Sendable {
    /// What a log calls the place; nil for places that are not there.
    var route: String? { get }

    /// Whether what is sent there is to be stored, and not only looked at.
    var keepsBody: Bool { get }

    /// The answer that everybody gets here; nil: `respond` is asked. It is given on the connection's own queue, which spares two changes
    /// of thread.
    var constant: ConstantResponse? { get }

    /// An answer that needs no body, given as soon as the head is there: unknown path, wrong method, no permission. A client
    /// that means to send a gigabyte to the wrong place is then told so first. Nil: go on. Must be quick.
    ///
    /// - Parameter id: The request's name, which `Request.id` has later.
    func refusal(before body: HTTPRequest, id: @autoclosure () -> String) -> Response?

    /// Answers `request` by way of `reply`, now or later, from any thread.
    ///
    /// Called on a concurrent queue: it may block for short I/O, not for minutes; long work belongs on a queue of its own.
    func respond(to request: Request, reply: ResponseWriter)
}

extension Destination {
    package var route: String? { nil }
    package var keepsBody: Bool { false }
    package var constant: ConstantResponse? { nil }
    package func refusal(before body: HTTPRequest, id: @autoclosure () -> String) -> Response? { nil }
}

/// A place where everybody gets the same answer.
package struct ConstantDestination: Destination {
    package let route: String?
    package let constant: ConstantResponse?

    package init(route: String, _ response: Response) {
        self.route = route
        constant = ConstantResponse(response)
    }

    package func respond(to request: Request, reply: ResponseWriter) {
        preconditionFailure("the constant answer was given")
    }
}
