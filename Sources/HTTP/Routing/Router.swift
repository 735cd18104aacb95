package import HTTPTypes

/// The values of a pattern's parameters in one path, decoded.
package struct PathParameters: Sendable, Equatable {
    private let values: [String: String]

    package init(_ values: [String: String] = [:]) { self.values = values }

    package subscript(_ name: String) -> String? { values[name] }
}

package enum RouteMatch<Endpoint> {
    /// HEAD finds the endpoint of GET when it has none of its own.
    case found(Endpoint, parameters: PathParameters, pattern: String)
    /// OPTIONS on a known path.
    case options(allow: [HTTPRequest.Method])
    case methodNotAllowed(allow: [HTTPRequest.Method])
    case notFound
    /// The path's percent-encoding is broken.
    case malformed
}

extension RouteMatch: Sendable where Endpoint: Sendable {}

/// Maps methods and path patterns to endpoints of any type.
///
/// A pattern is a path whose segments are literal or `{parameter}`: `/v1/tasks/{id}/segment`. A literal segment wins over a
/// parameter. A parameter takes exactly one segment, which is not empty.
package struct Router<Endpoint> {
    fileprivate struct Route {
        let pattern: String
        let parameterNames: [String]
        var endpoints: [(method: HTTPRequest.Method, endpoint: Endpoint)]
    }

    /// One step of a pattern: the routes are a tree kept in an array, children named by index.
    fileprivate struct Step {
        var literals: [String: Int] = [:]
        var parameter: Int?
        var route: Route?
    }

    private var steps = [Step()]
    /// Every route in the order in which they were added.
    package private(set) var routes: [(method: HTTPRequest.Method, pattern: String)] = []

    package init() {}

    /// Adds a route. Two patterns of one shape must name their parameters alike, and a method may be added to each but once.
    package mutating func add(_ method: HTTPRequest.Method, _ pattern: String, _ endpoint: Endpoint) {
        precondition(pattern.hasPrefix("/"), "a pattern starts with /: \(pattern)")
        var names: [String] = []
        var current = 0
        for segment in pattern.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            if segment.hasPrefix("{"), segment.hasSuffix("}") {
                names.append(String(segment.dropFirst().dropLast()))
                current = steps[current].parameter ?? appendStep { steps, new in steps[current].parameter = new }
            } else {
                let literal = String(segment)
                current =
                    steps[current].literals[literal]
                    ?? appendStep { steps, new in steps[current].literals[literal] = new }
            }
        }
        var route = steps[current].route ?? Route(pattern: pattern, parameterNames: names, endpoints: [])
        precondition(route.pattern == pattern, "\(pattern) and \(route.pattern) are the same path")
        precondition(!route.endpoints.contains { $0.method == method }, "\(method) \(pattern) is added twice")
        route.endpoints.append((method, endpoint))
        steps[current].route = route
        routes.append((method, pattern))
    }

    private mutating func appendStep(_ link: (inout [Step], Int) -> Void) -> Int {
        steps.append(Step())
        link(&steps, steps.count - 1)
        return steps.count - 1
    }

    /// - Parameter path: Without query, percent-encoded as it was received.
    package func match(_ method: HTTPRequest.Method, path: String) -> RouteMatch<Endpoint> {
        guard path.utf8.first == UInt8(ascii: "/") else {
            return path == "*" && method == .options ? .options(allow: allMethods) : .notFound
        }
        var segments: [String] = []
        for raw in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let segment = try? PercentCoding.decode(Substring(raw)) else { return .malformed }
            segments.append(segment)
        }
        var values: [String] = []
        guard let route = find(segments[...], from: 0, &values) else { return .notFound }
        let wanted = route.endpoints.first { $0.method == method }
        if let found = wanted ?? (method == .head ? route.endpoints.first { $0.method == .get } : nil) {
            let parameters = Dictionary(zip(route.parameterNames, values)) { _, last in last }
            return .found(found.endpoint, parameters: PathParameters(parameters), pattern: route.pattern)
        }
        let allow = Self.allowed(route.endpoints.map(\.method))
        return method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }

    private func find(_ segments: ArraySlice<String>, from index: Int, _ values: inout [String]) -> Route? {
        guard let segment = segments.first else { return steps[index].route }
        if let next = steps[index].literals[segment], let route = find(segments.dropFirst(), from: next, &values) {
            return route
        }
        guard !segment.isEmpty, let next = steps[index].parameter else { return nil }
        values.append(segment)
        if let route = find(segments.dropFirst(), from: next, &values) { return route }
        values.removeLast()
        return nil
    }

    private var allMethods: [HTTPRequest.Method] { Self.allowed(routes.map(\.method)) }

    /// What Allow lists: the methods added, and those the server gives by itself.
    private static func allowed(_ methods: [HTTPRequest.Method]) -> [HTTPRequest.Method] {
        var allowed: [HTTPRequest.Method] = []
        for method in methods + (methods.contains(.get) ? [.head] : []) + [.options] where !allowed.contains(method) {
            allowed.append(method)
        }
        return allowed
    }
}

extension Router: Sendable where Endpoint: Sendable {}
extension Router.Route: Sendable where Endpoint: Sendable {}
extension Router.Step: Sendable where Endpoint: Sendable {}

extension [HTTPRequest.Method] {
    /// The value of an Allow field (RFC 9110 §10.2.1).
    package var allowValue: String { map(\.rawValue).joined(separator: ", ") }
}
