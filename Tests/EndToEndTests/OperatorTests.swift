import API
import Client
import Foundation
import TestSupport
import Testing

/// What an operator does with the program: tokens, certificates, logs, a server that leaves nothing.
@Suite(.serialized) struct OperatorTests {
    private func certificate(_ name: String) -> String { Fixtures.path("tls/\(name).pem") }

    @Test func makesAndRevokesTokens() throws {
        let place = try Workplace()
        let create = try Program(["token", "create", "--owner", "ana", "--scope", "segment", "--data", place.data])
        let text = try #require(create.line())
        #expect(create.exitStatus() == 0 && text.hasPrefix("gmiseg_"))
        let list = try Program(["token", "list", "--data", place.data]).rest()
        #expect(list.contains("ana") && list.contains("segment"))
        #expect(!list.contains(text.split(separator: "_").last ?? ""))
        let id = String(list.prefix { $0 != "\t" })

        let (server, stranger) = try place.serve()
        var ana = stranger
        ana.token = text
        #expect(try stranger.get("/v1/tasks").status == 401)
        #expect(try ana.get("/v1/tasks").status == 200)
        let environment = ["GMISEG_SERVER": "http://\(stranger.address)", "GMISEG_TOKEN": text]
        #expect(try Program(["task", "list"], environment: environment).exitStatus() == 0)
        let nobody = try Program(
            ["task", "list"], environment: environment.merging(["GMISEG_TOKEN": ""]) { $1 },
            errorFile: place.folder.file("nobody"))
        #expect(nobody.exitStatus() == 1)
        #expect(nobody.errors().contains("hint: set GMISEG_TOKEN"), "\(nobody.errors())")
        #expect(!nobody.errors().contains("Bearer"))

        #expect(try Program(["token", "revoke", id, "--data", place.data]).exitStatus() == 0)
        #expect(try Program(["token", "revoke", id, "--data", place.data]).exitStatus() != 0)
        for _ in 0..<600 where try ana.get("/v1/tasks").status == 200 { Thread.sleep(forTimeInterval: 0.1) }
        #expect(try ana.get("/v1/tasks").status == 401)
        #expect(server.terminate() == 0)
    }

    @Test(arguments: [
        ["--owner", "a b"], ["--owner", ""], ["--owner", "ana", "--scope", "root"],
        ["--owner", "ana", "--expires", "soon"],
        ["--owner", "ana", "--expires", "0d"], ["--owner", "ana", "--jobs", "-1"], [],
    ])
    func refusesTokensThatMakeNoSense(_ arguments: [String]) throws {
        let folder = try TemporaryDirectory()
        let program = try Program(["token", "create", "--data", folder.file("data")] + arguments)
        #expect(program.exitStatus() != 0)
        #expect(listDirectory(folder.path).isEmpty)
    }

    /// Set but empty is not set: else the working directory would be the data folder, and what lies there be taken for a server's.
    @Test func anEmptyVariableNamesNoFolder() throws {
        let folder = try TemporaryDirectory()
        let create = try Program(
            ["token", "create", "--owner", "ana"], environment: ["GMISEG_DATA": ""], directory: folder.path)
        #expect(create.exitStatus() == 0)
        #expect(listDirectory(folder.path) == ["gmiseg-data"])
    }

    /// Other machines may come in when they are asked who they are.
    @Test func listensElsewhereOnceThereIsAToken() throws {
        let place = try Workplace()
        let arguments = ["serve", "--listen", "0.0.0.0:0", "--data", place.data, "--model", place.model]
        let refused = try Program(arguments, errorFile: place.folder.file("refused"))
        #expect(refused.exitStatus() != 0)
        #expect(refused.errors().contains("gmiseg token create --data \(place.data) --owner NAME"))
        #expect(try Program(["token", "create", "--owner", "ana", "--data", place.data]).exitStatus() == 0)
        let open = try Program(arguments + ["--log-level", "error"])
        #expect(open.line()?.hasPrefix("listening on http://0.0.0.0:") == true)
        #expect(open.terminate() == 0)
    }

    @Test func speaksTLSAndRenewsItsCertificate() throws {
        let place = try Workplace()
        let (certificate, key) = (place.folder.file("cert.pem"), place.folder.file("key.pem"))
        func install(_ name: String) throws {
            try copyFile(self.certificate(name), to: certificate)
            try copyFile(self.certificate("\(name)-key"), to: key)
        }
        try install("server")
        let (server, plain) = try place.serve(["--tls-cert", certificate, "--tls-key", key])
        var client = plain
        client.trust.authority = self.certificate("authority")
        #expect(try client.get("/healthz").status == 200)
        // Nobody vouches for it as far as the system knows.
        #expect(throws: ClientError.self) { try plain.get("/healthz") }

        try install("renewed")
        server.signal(SIGHUP)
        #expect(try client.get("/healthz").status == 200)
        // A renewal that went wrong changes nothing.
        try Data("nonsense".utf8).write(to: URL(filePath: certificate))
        server.signal(SIGHUP)
        for _ in 0..<5 { #expect(try client.get("/healthz").status == 200) }
        #expect(server.terminate() == 0)
    }

    /// The unit file's `ExecReload` is SIGHUP, whether there is a certificate or not.
    @Test func survivesAReloadWithNothingToReload() throws {
        let place = try Workplace()
        let (server, client) = try place.serve(["--log-level", "notice"], capturesErrors: true)
        server.signal(SIGHUP)
        for _ in 0..<6_000 where !server.errors().contains("no certificate") { Thread.sleep(forTimeInterval: 0.01) }
        #expect(server.errors().contains("no certificate"))
        #expect(try client.get("/healthz").status == 200)
        #expect(server.terminate() == 0)
    }

    @Test func refusesCertificatesThatDoNotServe() throws {
        let place = try Workplace()
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data", place.data, "--model", place.model]
        for arguments in [
            ["--tls-cert", certificate("server")], ["--tls-cert", "/nowhere", "--tls-key", "/nowhere"],
            ["--tls-cert", certificate("server"), "--tls-key", certificate("client-key")],
            ["--tls-client-ca", certificate("authority")],
        ] {
            #expect(try Program(serve + arguments).exitStatus() != 0)
        }
    }

    /// A line of JSON for each request and event, and in none of them anything that a client called something.
    @Test func logsWithoutNames() throws {
        let place = try Workplace()
        let (server, client) = try place.serve(
            ["--log-format", "json", "--log-level", "info"], capturesErrors: true)
        let picture = Picture.disc(x: 20)
        let form = [
            FormPart("image", bytes: picture.image, filename: "Mueller_Hans.png"),
            FormPart("prompts", text: #"{"points": [{"x": 20, "y": 21, "label": 1}]}"#),
        ]
        let answer = try client.post("/v1/segment", form: form)
        _ = try client.get("/Mueller/Hans?born=1950")
        _ = try client.get("/v1/tasks/Mueller")
        #expect(server.terminate() == 0)
        let text = server.errors()
        #expect(!text.contains("Mueller") && !text.contains("born"))
        let lines = try text.split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
        let requests = lines.filter { $0["message"] == "request" }
        #expect(requests.map { $0["route"]?.stringValue } == ["/v1/segment", "-", "/v1/tasks/{task}"])
        #expect(requests.map { $0["status"]?.integerValue } == [200, 404, 404])
        #expect(requests[0]["request"]?.stringValue == answer.header("X-Request-Id"))
        #expect(lines.contains { $0["message"] == "ready" } && lines.allSatisfy { $0["time"] != nil })
    }

    /// A log that cannot be written, as its disk is full, ends nothing.
    @Test(arguments: ["json", "text"]) func outlivesItsLog(_ format: String) throws {
        let place = try Workplace()
        let program = try Program(
            [
                "serve", "--listen", "127.0.0.1:0", "--data", place.data, "--model", place.model, "--log-format",
                format,
                "--log-level", "info",
            ], errorFile: "/dev/full")
        let line = try #require(program.line())
        let client = try Client(String(line.dropFirst("listening on ".count)))
        for _ in 0..<3 { #expect(try client.get("/healthz").status == 200) }
        #expect(program.terminate() == 0)
    }

    /// A folder that is there already, and holds things, may be shared on purpose; who did not mean it is told.
    @Test func warnsOfADataFolderThatOthersMayEnter() throws {
        for (mode, isWarned) in [(0o755, true), (0o700, false)] {
            let place = try Workplace()
            try FileManager.default.createDirectory(
                atPath: place.data, withIntermediateDirectories: false, attributes: [.posixPermissions: mode])
            try Data().write(to: URL(filePath: place.data + "/notes.txt"))
            let (server, _) = try place.serve(["--log-level", "warning"], capturesErrors: true)
            #expect(server.terminate() == 0)
            #expect(server.errors().contains("chmod 700") == isWarned)
        }
    }

    @Test func anEphemeralServerLeavesNothing() throws {
        let place = try Workplace()
        func folders() -> [String] { listDirectory("/dev/shm").filter { $0.hasPrefix("gmiseg-ephemeral-") } }
        let (first, _) = try place.serve(["--ephemeral"])
        #expect(folders().count == 1)
        first.crash()
        // What the killed one left, the next removes.
        let (second, client) = try place.serve(["--ephemeral"])
        #expect(folders().count == 1)
        let form = [FormPart("image", bytes: Picture.disc(x: 20).image, filename: "q.png")]
        #expect(try client.post("/v1/images", form: form).status == 201)
        #expect(second.terminate() == 0)
        #expect(folders().isEmpty)
        #expect(listDirectory(place.data).isEmpty)
    }
}
