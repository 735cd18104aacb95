import Dispatch
import Foundation
import TestSupport
import Testing

/// `gmiseg model pull`, from a server on this machine.
@Suite(.serialized) struct ModelPullTests {
    private static let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 * 31 >> 3) }
    private static let hash = sha256(content)

    /// By the program that everybody compares with.
    private static func sha256(_ bytes: [UInt8]) -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["sha256sum"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        guard (try? process.run()) != nil else { return "" }
        try? input.fileHandleForWriting.write(contentsOf: Data(bytes))
        try? input.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return String(text.prefix(64))
    }

    private func pull(
        _ port: UInt16, into folder: TemporaryDirectory, sha256: String = hash, name: String = "model.pth"
    ) throws -> Int32 {
        let arguments = [
            "model", "pull", "http://127.0.0.1:\(port)/\(name)", "--sha256", sha256, "--models", folder.path,
        ]
        let program = try Program(arguments, environment: ["no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"])
        _ = program.rest()
        return program.exitStatus()
    }

    @Test func downloadsOnce() throws {
        let folder = try TemporaryDirectory()
        let server = try FileServer(.init(content: Self.content))
        defer { server.stop() }
        #expect(try pull(server.port, into: folder) == 0)
        #expect(try Data(contentsOf: URL(filePath: folder.file("model.pth"))) == Data(Self.content))
        #expect(try pull(server.port, into: folder) == 0)
        #expect(server.requestedStarts == [0])
        #expect(listDirectory(folder.path) == ["model.pth"])
    }

    /// Ctrl-C ends curl too: a second one would write into the same file.
    @Test func interruptingEndsTheTransfer() throws {
        let folder = try TemporaryDirectory()
        let (isAsked, isOver) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let server = try LoopbackServer { _ in
            isAsked.signal()
            isOver.wait()
            return []
        }
        defer { server.stop() }
        let address = "http://127.0.0.1:\(server.port)/model.pth"
        let program = try Program(
            ["model", "pull", address, "--sha256", Self.hash, "--models", folder.path],
            environment: ["no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"], errorFile: folder.file("errors"))
        isAsked.wait()
        #expect(!processes(naming: address).isEmpty)
        program.signal(SIGINT)
        #expect(program.exitStatus() == 130)
        #expect(processes(naming: address).isEmpty)
        isOver.signal()
    }

    /// An interrupted download keeps what came, and the next one asks for the rest only.
    @Test func continuesWhereItBrokeOff() throws {
        let folder = try TemporaryDirectory()
        let server = try FileServer(.init(content: Self.content, firstBreak: 123_456))
        defer { server.stop() }
        #expect(try pull(server.port, into: folder) != 0)
        #expect(listDirectory(folder.path) == ["model.pth.partial"])
        #expect(try pull(server.port, into: folder) == 0)
        #expect(server.requestedStarts == [0, 123_456])
        #expect(try Data(contentsOf: URL(filePath: folder.file("model.pth"))) == Data(Self.content))
        #expect(listDirectory(folder.path) == ["model.pth"])
    }

    @Test func startsAgainWhereTheServerKnowsNoRanges() throws {
        let folder = try TemporaryDirectory()
        let server = try FileServer(.init(content: Self.content, knowsRanges: false, firstBreak: 100))
        defer { server.stop() }
        #expect(try pull(server.port, into: folder) != 0)
        #expect(try pull(server.port, into: folder) == 0)
        #expect(try Data(contentsOf: URL(filePath: folder.file("model.pth"))) == Data(Self.content))
    }

    /// Killed after the last byte and before the rename: nothing is left to ask for.
    @Test func completePartIsTaken() throws {
        let folder = try TemporaryDirectory()
        let server = try FileServer(.init(content: Self.content))
        defer { server.stop() }
        try Data(Self.content).write(to: URL(filePath: folder.file("model.pth.partial")))
        #expect(try pull(server.port, into: folder) == 0)
        #expect(listDirectory(folder.path) == ["model.pth"])
    }

    @Test func otherContentIsNotKept() throws {
        let folder = try TemporaryDirectory()
        let server = try FileServer(.init(content: Array(Self.content.reversed())))
        defer { server.stop() }
        #expect(try pull(server.port, into: folder) != 0)
        #expect(listDirectory(folder.path).isEmpty)
    }

    /// A file of that name that is another one stays as it is.
    @Test func otherFilesStay() throws {
        let folder = try TemporaryDirectory()
        let server = try FileServer(.init(content: Self.content))
        defer { server.stop() }
        try Data([1, 2, 3]).write(to: URL(filePath: folder.file("model.pth")))
        #expect(try pull(server.port, into: folder) != 0)
        #expect(try Data(contentsOf: URL(filePath: folder.file("model.pth"))) == Data([1, 2, 3]))
        #expect(server.requestedStarts.isEmpty)
    }

    @Test func nobodyAnswers() throws {
        let folder = try TemporaryDirectory()
        let server = try FileServer(.init(content: []))
        server.stop()
        #expect(try pull(server.port, into: folder) != 0)
        #expect(listDirectory(folder.path).isEmpty)
    }

    @Test(arguments: [
        ["sam-vit-x"], ["http://127.0.0.1/model.pth"], ["http://127.0.0.1/..", "--sha256", hash],
        ["ftp://a/b", "--sha256", hash],
    ])
    func refuses(_ arguments: [String]) throws {
        let program = try Program(["model", "pull"] + arguments)
        #expect(program.exitStatus() != 0)
    }
}
