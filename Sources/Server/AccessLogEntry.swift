package import HTTP

/// What is told of a request once it is over. Nothing from the body, and no query: both may speak of patients.
package struct AccessLogEntry: Sendable {
    package let number: UInt64
    let names: RequestID
    /// As the answer's X-Request-Id has it.
    package var id: String { names.name(number) }
    /// The trace that the client put the request into.
    package let trace: TraceContext?
    /// `-` when the request line could not be read.
    package let method: String
    /// What the handler calls the place, such as `/v1/tasks/{task}`; `-` when it knows no such place. Never the path itself, which may
    /// hold anything that somebody typed.
    package let route: String
    /// 499 when the client had gone before the answer was begun.
    package let status: Int
    /// Of the body.
    package let requestBytes: Int
    /// Of head and body.
    package let responseBytes: Int
    /// From the request's first byte to the last byte of the answer being handed over for writing.
    package let duration: Duration
    package let peer: String
    /// Whether the whole answer was handed over.
    package let isComplete: Bool
}
