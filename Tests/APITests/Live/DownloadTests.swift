import API
import Client
import Foundation
import TestSupport
import Testing

/// Files that the service hands out: in whole, in parts, on conditions, compressed.
@Suite struct DownloadTests {
    private func upload(_ server: LiveServer, _ bytes: [UInt8]) async throws -> String {
        let form = [FormPart("image", bytes: bytes, filename: "Müller^Hans.png")]
        return try #require(try await server.client.post("/v1/images", form: form).json["id"]?.stringValue)
    }

    @Test func givesAnImageBack() async throws {
        try await withLiveServer { server in
            let bytes = TestImages.disc()
            let path = "/v1/images/\(try await upload(server, bytes))"
            let whole = try await server.client.get(path)
            #expect(whole.body == bytes)
            #expect(whole.header("Content-Type") == "image/png")
            #expect(whole.header("Accept-Ranges") == "bytes")
            // What the client called it is not kept, as it may be a patient's name.
            #expect(whole.header("Content-Disposition") == nil)
            let tag = try #require(whole.header("ETag"))

            let part = try await server.client.get(path, headers: [("Range", "bytes=4-9"), ("If-Range", tag)])
            #expect(part.status == 206)
            #expect(part.body == Array(bytes[4..<10]))
            #expect(part.header("Content-Range") == "bytes 4-9/\(bytes.count)")

            let known = try await server.client.get(path, headers: [("If-None-Match", tag)])
            #expect(known.status == 304 && known.header("ETag") == tag && known.body.isEmpty)
            let beyond = try await server.client.get(path, headers: [("Range", "bytes=\(bytes.count)-")])
            #expect(beyond.status == 416)
            #expect(beyond.header("Content-Range") == "bytes */\(bytes.count)")
            #expect(try beyond.json["field"] == "Range")
            let other = try await server.client.get(path, headers: [("If-Match", "\"other\"")])
            #expect(other.status == 412)
            #expect(try other.json["type"] == "/problems/precondition-failed")
            let head = try await server.client.send(ClientRequest("HEAD", path))
            #expect(head.header("Content-Length") == "\(bytes.count)" && head.body.isEmpty)
            #expect(try await server.client.get(path, headers: [("Accept", "application/json")]).status == 406)
        }
    }

    @Test func deletesAnImage() async throws {
        try await withLiveServer { server in
            let bytes = TestImages.disc()
            let id = try await upload(server, bytes)
            let segment = [FormPart("image_id", text: id), FormPart("prompts", text: "{}")]
            #expect(try await server.client.post("/v1/segment", form: segment).status == 200)
            let deleted = try await server.client.delete("/v1/images/\(id)")
            let receipt = try deleted.json
            #expect(receipt["deleted"]?.stringValue == id && receipt["files"] == 1)
            #expect(receipt["bytes"]?.integerValue == bytes.count && receipt["deleted_at"] != nil)
            #expect(server.service.embeddings.statistics.entries == 0)
            #expect(listDirectory(server.folder.file("data/images")).isEmpty)
            #expect(try await server.client.get("/v1/images/\(id)").status == 404)
            #expect(try await server.client.delete("/v1/images/\(id)").status == 404)
            #expect(try await server.client.post("/v1/segment", form: segment).status == 404)
        }
    }

    @Test(arguments: [
        "img_1", "x", "img_" + String(repeating: "A", count: 64), "img_" + String(repeating: "0", count: 64),
    ])
    func knowsNoOtherImages(_ id: String) async throws {
        try await withLiveServer { server in
            let answer = try await server.client.get("/v1/images/\(id)")
            #expect(answer.status == 404)
            #expect(try answer.json["field"] == "image")
        }
    }

    @Test func offersAdaptersUnderTheirTasksName() async throws {
        try await withLiveServer { server in
            let created = try await server.client.post("/v1/tasks?wait=60", form: Forms.task(name: "Zähne")).json
            let task = try #require(created["task"]?["id"]?.stringValue)
            let path = "/v1/tasks/\(task)/adapter?version=1"
            let whole = try await server.client.get(path)
            #expect(
                whole.header("Content-Disposition")
                    == "attachment; filename=\"Z_hne-v1.safetensors\"; filename*=UTF-8''Z%C3%A4hne-v1.safetensors")
            let part = try await server.client.get(path, headers: [("Range", "bytes=-16")])
            #expect(part.status == 206 && part.body == Array(whole.body.suffix(16)))
            let modified = try #require(whole.header("Last-Modified"))
            #expect(try await server.client.get(path, headers: [("If-Modified-Since", modified)]).status == 304)
        }
    }

    @Test func compressesForThoseWhoAsk() async throws {
        let folder = try TemporaryDirectory()
        let script = String(repeating: "let answer = 42\n", count: 400)
        try Data(script.utf8).write(to: URL(filePath: folder.file("app.js")))
        try Data("short".utf8).write(to: URL(filePath: folder.file("a.txt")))
        try await withLiveServer {
            $0.publicDirectory = folder.path
        } _: { server in
            let plain = try await server.client.get("/app.js")
            #expect(plain.text == script)
            #expect(plain.header("Vary") == "Accept-Encoding" && plain.header("Content-Encoding") == nil)
            let gzip = ("Accept-Encoding", "gzip, deflate, br")
            let coded = try await server.client.get("/app.js", headers: [gzip])
            #expect(coded.header("Content-Encoding") == "gzip" && coded.header("Vary") == "Accept-Encoding")
            #expect(coded.body.starts(with: [0x1F, 0x8B]) && coded.body.count < script.utf8.count / 10)
            let tag = try #require(coded.header("ETag"))
            #expect(tag != plain.header("ETag"))
            let known = try await server.client.get("/app.js", headers: [gzip, ("If-None-Match", tag)])
            #expect(known.status == 304 && known.header("ETag") == tag && known.header("Vary") == "Accept-Encoding")
            // The tag that was given out is current for If-Match, too; that of neither form is not.
            let same = try await server.client.get("/app.js", headers: [gzip, ("If-Match", tag)])
            #expect(same.status == 200 && same.header("ETag") == tag)
            #expect(try await server.client.get("/app.js", headers: [("If-Match", "\"other\"")]).status == 412)
            let part = try await server.client.get("/app.js", headers: [gzip, ("Range", "bytes=0-2")])
            #expect(part.text == "let" && part.header("Content-Encoding") == nil)
            #expect(try await server.client.get("/a.txt", headers: [gzip]).text == "short")
            // Answers made on the spot, too.
            let problems = try await server.client.get("/problems", headers: [gzip])
            #expect(problems.header("Content-Encoding") == "gzip")
        }
    }

    /// RFC 9110 §15.5.6: whatever is there says what can be done with it, a page no less than a route.
    @Test func pagesCanBeReadOnly() async throws {
        let folder = try TemporaryDirectory()
        try Data("page".utf8).write(to: URL(filePath: folder.file("index.html")))
        try await withLiveServer {
            $0.publicDirectory = folder.path
        } _: { server in
            for path in ["/", "/index.html"] {
                let options = try await server.client.send(ClientRequest("OPTIONS", path))
                #expect(options.status == 204 && options.header("Allow") == "GET, HEAD, OPTIONS")
                let posted = try await server.client.post(path, form: [FormPart("a", text: "b")])
                #expect(posted.status == 405 && posted.header("Allow") == "GET, HEAD, OPTIONS")
                #expect(try posted.json["type"] == "/problems/method-not-allowed")
            }
            #expect(try await server.client.send(ClientRequest("OPTIONS", "/other.html")).status == 404)
            #expect(try await server.client.delete("/other.html").status == 404)
        }
    }

    @Test func saysWhoAsks() async throws {
        try await withLiveServer { server in
            let answer = try await server.client.get("/v1/whoami")
            #expect(try answer.json == ["owner": .null, "scopes": ["admin"], "expires_at": .null])
        }
    }
}
