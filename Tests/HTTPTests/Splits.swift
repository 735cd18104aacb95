import HTTP
import HTTPTypes

/// What a parser made of some bytes, in a form that does not depend on how they were cut.
struct ParsedRequest: Equatable {
    var head: RequestHead
    var body: [UInt8] = []
    var trailers: HTTPFields?
}

struct Parsed: Equatable {
    var requests: [ParsedRequest] = []
    var error: RequestError?
    /// Whether the input ended between two requests.
    var isComplete = false
}

/// Feeds `pieces` one after the other.
func parse(_ pieces: [[UInt8]], limits: Limits = Limits()) -> Parsed {
    var parser = RequestParser(limits: limits)
    var parsed = Parsed()
    do throws(RequestError) {
        for piece in pieces {
            var position = 0
            while let event = try parser.next(piece.span, at: &position) {
                switch event {
                case .head(let head): parsed.requests.append(ParsedRequest(head: head))
                case .body(let range): parsed.requests[parsed.requests.count - 1].body += piece[range]
                case .end(let trailers): parsed.requests[parsed.requests.count - 1].trailers = trailers
                }
            }
            precondition(position == piece.count, "the parser left bytes behind")
        }
        parsed.isComplete = parser.isBetweenRequests
    } catch {
        parsed.error = error
    }
    return parsed
}

/// `bytes` cut in two at every place, and into single bytes.
func splits(_ bytes: [UInt8]) -> [[[UInt8]]] {
    (0...bytes.count).map { [Array(bytes[..<$0]), Array(bytes[$0...])] } + [bytes.map { [$0] }]
}
