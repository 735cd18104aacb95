import HTTP
import HTTPTypes
import Testing

@Suite struct RoutingTests {
    static let router: Router<String> = {
        var router = Router<String>()
        router.add(.get, "/", "root")
        router.add(.get, "/v1/tasks", "list")
        router.add(.post, "/v1/tasks", "create")
        router.add(.get, "/v1/tasks/{id}", "show")
        router.add(.delete, "/v1/tasks/{id}", "delete")
        router.add(.get, "/v1/tasks/latest", "latest")
        router.add(.post, "/v1/tasks/{id}/segment", "segment")
        router.add(.head, "/special", "head")
        return router
    }()

    static func describe(_ match: RouteMatch<String>) -> String {
        switch match {
        case .found(let endpoint, let parameters, let pattern): "\(endpoint) \(parameters["id"] ?? "-") \(pattern)"
        case .options(let allow): "options \(allow.allowValue)"
        case .methodNotAllowed(let allow): "405 \(allow.allowValue)"
        case .notFound: "404"
        case .malformed: "400"
        }
    }

    @Test(arguments: [
        ("GET", "/", "root - /"),
        ("GET", "/v1/tasks", "list - /v1/tasks"),
        ("HEAD", "/v1/tasks", "list - /v1/tasks"),
        ("POST", "/v1/tasks", "create - /v1/tasks"),
        ("GET", "/v1/tasks/t1", "show t1 /v1/tasks/{id}"),
        ("GET", "/v1/tasks/a%20b%2Fc", "show a b/c /v1/tasks/{id}"),
        ("GET", "/v1/tasks/a+b", "show a+b /v1/tasks/{id}"),
        ("GET", "/v1/tasks/latest", "latest - /v1/tasks/latest"),
        ("POST", "/v1/tasks/latest/segment", "segment latest /v1/tasks/{id}/segment"),
        ("DELETE", "/v1/tasks/latest", "405 GET, HEAD, OPTIONS"),
        ("PUT", "/v1/tasks", "405 GET, POST, HEAD, OPTIONS"),
        ("OPTIONS", "/v1/tasks/t1", "options GET, DELETE, HEAD, OPTIONS"),
        ("HEAD", "/special", "head - /special"),
        ("GET", "/special", "405 HEAD, OPTIONS"),
        ("GET", "/v1/tasks/", "404"),
        ("GET", "/v1//tasks", "404"),
        ("GET", "/v1/tasks/t1/", "404"),
        ("GET", "/v1", "404"),
        ("GET", "/v1/tasks/%zz", "400"),
        ("GET", "/v1/tasks/%ff", "400"),
        ("GET", "/v1/tasks/%", "400"),
        ("OPTIONS", "*", "options GET, POST, DELETE, HEAD, OPTIONS"),
        ("GET", "*", "404"),
    ]) func routes(_ method: String, _ path: String, _ expected: String) throws {
        let method = try #require(HTTPRequest.Method(method))
        #expect(Self.describe(Self.router.match(method, path: path)) == expected)
    }

    @Test func query() throws {
        let query = try Query("a=1&b=x%20y+z&a=2&flag&=empty&c=d=e")
        #expect(query["a"] == "1" && query.all("a") == ["1", "2"])
        #expect(query["b"] == "x y z" && query["flag"] == "" && query["c"] == "d=e" && query["none"] == nil)
        #expect(query.names == ["a", "b", "a", "flag", "", "c"])
        #expect(try Query("").items.isEmpty)
        #expect(throws: TargetError.invalidPercentEncoding(in: "%4")) { try Query("a=%4") }
        #expect(throws: TargetError.invalidPercentEncoding(in: "%ff")) { try Query("a=%ff") }
    }

    @Test func percentCoding() throws {
        let text = "a/b c+ü%~"
        #expect(PercentCoding.encode(text) == "a%2Fb%20c%2B%C3%BC%25~")
        #expect(try PercentCoding.decode(PercentCoding.encode(text)) == text)
        #expect(try PercentCoding.decode("a+b") == "a+b")
    }

    @Test(arguments: [
        (nil as String?, "application/json" as String?),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("image/png", "image/png"),
        ("image/*", "image/png"),
        ("image/png;q=0.5, application/json;q=0.4", "image/png"),
        ("image/png;q=0.5, */*", "application/json"),
        ("application/json;q=0, */*", "image/png"),
        ("text/html, */*;q=0.1", "application/json"),
        ("IMAGE/PNG", "image/png"),
        ("text/html", nil),
        ("application/json;q=0", nil),
        ("image/png;q=1.5, application/json;q=0.1", "application/json"),
        ("a/b;c=\"x,y\", image/png", "image/png"),
        ("nonsense", "application/json"),
    ]) func accept(_ header: String?, _ expected: String?) {
        #expect(Accept.preferred(header, among: [.json, .png])?.essence == expected)
    }

    @Test func mediaTypes() throws {
        let type = try #require(MediaType("Text/HTML; Charset=\"UTF-8\"; x=\"a \\\"b\\\"\""))
        #expect(type.essence == "text/html" && type.parameters == ["charset": "utf-8", "x": "a \"b\""])
        #expect(type.description == #"text/html; charset=utf-8; x="a \"b\"""#)
        for bad in ["", "text", "text/", "/html", "a/b/c", "text/html; x", "text/html; x=", "text/html x=y", "t t/x"] {
            #expect(MediaType(bad) == nil, "\(bad)")
        }
    }
}
