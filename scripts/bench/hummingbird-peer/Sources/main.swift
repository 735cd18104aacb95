import Foundation
import Hummingbird
import Logging

// Answers `GET /healthz` with the JSON of its one argument, and logs no request. Prints its port when it listens.
let answer = ByteBuffer(string: CommandLine.arguments[1])
let router = Router()
router.get("/healthz") { _, _ in
    Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: answer))
}
var logger = Logger(label: "peer")
logger.logLevel = .error
let application = Application(
    router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
    onServerRunning: { channel in
        FileHandle.standardOutput.write(Data("\(channel.localAddress?.port ?? 0)\n".utf8))
    },
    logger: logger)
try await application.runService()
