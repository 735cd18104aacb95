import API
import Foundation
import HTTPTypes
import Logging
import Posix
import Storage
import TestSupport
import Testing

@Suite struct TokenTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    private static func token(
        _ owner: String = "ana", _ scope: Scope = .train, expires: Timestamp? = nil
    ) -> (token: Token, text: String) {
        Token.make(owner: owner, scope: scope, created: now, expires: expires)
    }

    private func control(_ file: TokenFile, now: Timestamp = now) throws -> AccessControl {
        try AccessControl(file, clock: WallClock { now }, log: Logger(label: "test"))
    }

    private func status(_ control: AccessControl, _ header: String?, _ scope: Scope?) -> Int {
        var fields = HTTPFields()
        fields[.authorization] = header
        do throws(Problem) {
            _ = try control.authorize(fields, scope: scope)
            return 200
        } catch {
            return error.status
        }
    }

    @Test func theFileKeepsNoSecret() throws {
        let folder = try TemporaryDirectory()
        let file = TokenFile(dataFolder: folder.path)
        let (token, text) = Self.token(expires: Timestamp(milliseconds: 1))
        try file.update { $0.append(token) }
        #expect(try file.load() == [token])
        let kept = try String(contentsOfFile: file.path, encoding: .utf8)
        let secret = try #require(text.split(separator: "_").last)
        #expect(secret.utf8.count == 32 && !kept.contains(secret))
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        // Two tokens of one owner have nothing in common.
        #expect(Self.token().text != Self.token().text)
    }

    @Test(arguments: ["", "{", "[]", #"{"tokens": [{}]}"#, #"{"tokens": [{"id": "token_1", "owner": "a"}]}"#])
    func aDamagedFileIsRefused(_ text: String) throws {
        let folder = try TemporaryDirectory()
        let file = TokenFile(dataFolder: folder.path)
        try Data(text.utf8).write(to: URL(filePath: file.path))
        #expect(throws: TokenFileError.self) { try file.load() }
        #expect(throws: TokenFileError.self) { try AccessControl(file, log: Logger(label: "test")) }
    }

    /// What kept the list from being read may end without a trace in the file itself, such as its owner's mistake: it is tried again.
    @Test func aListThatCouldNotBeReadIsTriedAgain() throws {
        let folder = try TemporaryDirectory()
        let file = TokenFile(dataFolder: folder.path)
        let (token, text) = Self.token()
        try file.update { $0.append(token) }
        let control = try control(file)
        /// The answer once it is another one; the list is looked at once a second.
        func statusAfter(_ before: Int) -> Int {
            for _ in 0..<600 where status(control, "Bearer \(text)", .read) == before {
                Thread.sleep(forTimeInterval: 0.05)
            }
            return status(control, "Bearer \(text)", .read)
        }
        let sound = try Data(contentsOf: URL(filePath: file.path))
        /// In place and at one time, so that nothing but what it says tells one from the other.
        func write(_ data: Data) throws {
            let handle = try FileHandle(forWritingTo: URL(filePath: file.path))
            try handle.write(contentsOf: data)
            try handle.close()
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1_800_000_000)], ofItemAtPath: file.path)
        }
        try write(Data(repeating: UInt8(ascii: "x"), count: sound.count))
        #expect(statusAfter(200) == 500)
        try write(sound)
        #expect(statusAfter(500) == 200)
    }

    @Test func withoutAFileEverybodyMayDoEverything() throws {
        let folder = try TemporaryDirectory()
        let control = try control(TokenFile(dataFolder: folder.path))
        #expect(!control.isRequired)
        #expect(try control.authorize([:], scope: .admin) == .anyone)
    }

    @Test func tokensAreAskedForAndWeighed() throws {
        let folder = try TemporaryDirectory()
        let file = TokenFile(dataFolder: folder.path)
        let (token, text) = Self.token("ana", .segment, expires: Timestamp(milliseconds: Self.now.milliseconds + 1))
        try file.update { $0.append(token) }
        let control = try control(file)
        #expect(control.isRequired)
        let changed = String(text.dropLast()) + (text.hasSuffix("0") ? "1" : "0")
        let (_, unknown) = Self.token()
        let rows: [(String?, Scope?, Int)] = [
            ("Bearer \(text)", .segment, 200), ("bearer  \(text) ", .read, 200), ("Bearer \(text)", nil, 200),
            ("Bearer \(text)", .train, 403), ("Bearer \(text)", .admin, 403), (nil, .read, 401), (nil, nil, 200),
            ("Bearer \(changed)", .read, 401), ("Bearer \(changed)", nil, 401), ("Bearer \(unknown)", .read, 401),
            ("Bearer", .read, 401), ("Basic \(text)", .read, 401), ("Bearer x", .read, 401),
            ("Bearer gmiseg_" + String(repeating: "é", count: 16) + "_x", .read, 401), (text, .read, 401),
        ]
        for (header, scope, expected) in rows {
            #expect(status(control, header, scope) == expected, "\(header ?? "none") for \(scope?.rawValue ?? "all")")
        }
        // The moment that it expires.
        let later = try self.control(file, now: Timestamp(milliseconds: Self.now.milliseconds + 1))
        #expect(status(later, "Bearer \(text)", .read) == 401)
    }

    @Test func revokingTheLastTokenDoesNotOpenTheServer() throws {
        let folder = try TemporaryDirectory()
        let file = TokenFile(dataFolder: folder.path)
        let (token, text) = Self.token()
        try file.update { $0.append(token) }
        try file.update { $0.removeAll() }
        let control = try control(file)
        #expect(control.isRequired)
        #expect(status(control, "Bearer \(text)", .read) == 401)
    }

    @Test func bucketsEmptyAndFill() {
        func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: UInt64((1_000 + seconds) * 1e9)) }
        var limiter = RateLimiter()
        for _ in 0..<60 { #expect(limiter.take("a", perMinute: 60, at: at(0)) == nil) }
        #expect(limiter.take("a", perMinute: 60, at: at(0)) == .seconds(1))
        #expect(limiter.take("b", perMinute: 60, at: at(0)) == nil)
        #expect(limiter.take("a", perMinute: 60, at: at(0.5)) == .seconds(0.5))
        #expect(limiter.take("a", perMinute: 60, at: at(1)) == nil)
        #expect(limiter.take("a", perMinute: 60, at: at(1)) != nil)
        // A quiet hour fills it to the brim, and no further.
        for _ in 0..<60 { #expect(limiter.take("a", perMinute: 60, at: at(3_600)) == nil) }
        #expect(limiter.take("a", perMinute: 60, at: at(3_600)) != nil)
    }

    @Test func everyRouteHasAScope() async throws {
        try await withLiveServer { server in
            var scopes: [String: Scope?] = [:]
            for (method, pattern) in server.handler.routes {
                scopes["\(method.rawValue) \(pattern)"] = AccessRules.scope(for: method, pattern)
            }
            #expect(scopes["POST /v1/tasks"] == .train)
            #expect(scopes["DELETE /v1/tasks/{task}"] == .train)
            #expect(scopes["DELETE /v1/jobs/{job}"] == .train)
            #expect(scopes["POST /v1/tasks/{task}/segment"] == .segment)
            #expect(scopes["POST /v1/segment"] == .segment)
            #expect(scopes["POST /v1/images"] == .segment)
            #expect(scopes["DELETE /v1/images/{image}"] == .segment)
            let open = scopes.filter { $0.value == nil }.keys.sorted()
            #expect(
                open == [
                    "GET /healthz", "GET /openapi.yaml", "GET /problems", "GET /problems/{kind}", "GET /readyz",
                ])
            for (route, scope) in scopes where route.hasPrefix("GET /v1/") { #expect(scope == .read, "\(route)") }
        }
    }

    struct Origin: Sendable, CustomTestStringConvertible {
        let name: String
        var method = HTTPRequest.Method.post
        var host: String? = "127.0.0.1:8080"
        var fields: HTTPFields = [:]
        var acceptsAnyHost = false
        let isAllowed: Bool
        var testDescription: String { name }
    }

    static let origins = [
        Origin(name: "curl", isAllowed: true),
        Origin(name: "curl by a name", host: "gmiseg.example", isAllowed: false),
        Origin(name: "curl by a name, with tokens", host: "gmiseg.example", acceptsAnyHost: true, isAllowed: true),
        Origin(name: "no host", host: nil, isAllowed: true),
        Origin(name: "own page", fields: [.origin: "http://127.0.0.1:8080"], isAllowed: true),
        Origin(name: "own page, v6", host: "[::1]:80", fields: [.origin: "http://[::1]:80"], isAllowed: true),
        Origin(name: "localhost", host: "LocalHost:80", fields: [.origin: "http://localhost:80"], isAllowed: true),
        Origin(name: "another page", fields: [.origin: "https://evil.example"], isAllowed: false),
        Origin(name: "another port", fields: [.origin: "http://127.0.0.1:9"], isAllowed: false),
        Origin(name: "no page", fields: [.origin: "null"], isAllowed: false),
        Origin(
            name: "another page, with tokens", fields: [.origin: "https://evil.example"], acceptsAnyHost: true,
            isAllowed: false),
        Origin(
            name: "another page reads", method: .get, fields: [.origin: "https://evil.example"], isAllowed: true),
        Origin(
            name: "a name bound to us", host: "evil.example", fields: [.origin: "http://evil.example"],
            isAllowed: false),
        // As a browser sends it over plain HTTP, and as a program does.
        Origin(name: "a name bound to us reads", method: .get, host: "evil.example", isAllowed: false),
        Origin(name: "a name that begins like us", method: .get, host: "127.0.0.1.evil.example", isAllowed: false),
        Origin(name: "a number reads", method: .get, host: "127.0.0.1", isAllowed: true),
    ]

    /// Reading across origins is stopped by the browser, as no answer has Access-Control-Allow-Origin.
    @Test(arguments: origins) func pagesOfOthersAreKeptOut(_ row: Origin) {
        let head = HTTPRequest(
            method: row.method, scheme: "http", authority: row.host, path: "/v1/tasks", headerFields: row.fields)
        do throws(Problem) {
            try CrossOrigin.check(head, acceptsAnyHost: row.acceptsAnyHost)
            #expect(row.isAllowed)
        } catch {
            #expect(!row.isAllowed && error.status == 403)
        }
    }
}
