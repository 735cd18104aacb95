import API
import Client
import Foundation
import TestSupport
import Testing

@Suite struct ServiceTests {
    @Test func saysThatItLivesAndIsReady() async throws {
        try await withLiveServer { server in
            #expect(try await server.client.get("/healthz").json == ["status": "ok"])
            let ready = try await server.client.get("/readyz").json
            #expect(ready["status"] == "ready")
            #expect(ready["version"]?.stringValue == BuildInfo.version)
            let head = try await server.client.send(ClientRequest("HEAD", "/healthz"))
            #expect(head.status == 200)
            #expect(head.body == [])
            let models = try await server.client.get("/v1/models").json["models"]
            #expect(models?.elements?.count == 1)
            #expect(models?[0]?["default"] == true)
            #expect(models?[0]?["sha256"]?.stringValue?.count == 64)
        }
    }

    @Test func isNotReadyOnAFullDisk() async throws {
        try await withLiveServer {
            $0.minimumFreeBytes = Int.max
        } _: { server in
            let answer = try await server.client.get("/readyz")
            #expect(answer.status == 507)
            #expect(try answer.json["type"] == "/problems/storage-full")
        }
    }

    @Test func describesEveryProblem() async throws {
        try await withLiveServer { server in
            let list = try #require(try await server.client.get("/problems").json["problems"]?.elements)
            #expect(list.count == ProblemKind.allCases.count)
            for problem in list {
                let page = try await server.client.get(problem["type"]?.stringValue ?? "")
                #expect(try page.json == problem)
            }
        }
    }

    @Test func servesThePublicFolder() async throws {
        let folder = try TemporaryDirectory()
        try Data("<h1>hello</h1>".utf8).write(to: URL(filePath: folder.file("index.html")))
        try Data("body {}".utf8).write(to: URL(filePath: folder.file("a b.css")))
        try await withLiveServer {
            $0.publicDirectory = folder.path
        } _: { server in
            let page = try await server.client.get("/")
            #expect(page.text == "<h1>hello</h1>")
            #expect(page.header("Content-Type") == "text/html; charset=utf-8")
            #expect(try await server.client.get("/a%20b.css").header("Content-Type") == "text/css; charset=utf-8")
            let tag = try #require(page.header("ETag"))
            #expect(try await server.client.get("/", headers: [("If-None-Match", tag)]).status == 304)
            #expect(try await server.client.get("/../etc/passwd").status != 200)
        }
    }

    @Test func confinesThePage() async throws {
        let folder = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: folder.file("js/image"), withIntermediateDirectories: true)
        let types = [
            "index.html": "text/html; charset=utf-8", "js/main.js": "text/javascript; charset=utf-8",
            "js/image/png.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
        ]
        for name in types.keys { try Data("x".utf8).write(to: URL(filePath: folder.file(name))) }
        try await withLiveServer {
            $0.publicDirectory = folder.path
        } _: { server in
            for (name, type) in types {
                let file = try await server.client.get("/\(name)")
                #expect(file.status == 200)
                #expect(file.header("Content-Type") == type)
                #expect(file.header("X-Content-Type-Options") == "nosniff")
                #expect(file.header("Referrer-Policy") == "no-referrer")
                let policy = try #require(file.header("Content-Security-Policy")).split(separator: "; ")
                #expect(policy.contains("default-src 'none'"))
                #expect(policy.contains("script-src 'self'"))
                #expect(policy.contains("frame-ancestors 'none'"))
                #expect(!policy.contains { $0.contains("unsafe") || $0.contains("http") || $0.contains("*") })
            }
        }
    }

    @Test func worksWithoutAPublicFolderAndContract() async throws {
        try await withLiveServer { server in
            for path in ["/", "/openapi.yaml"] {
                let answer = try await server.client.get(path)
                #expect(answer.status == 404)
            }
        }
    }
}
