import Compression
import Foundation
import Testing

@Suite struct GzipTests {
    /// What gzip(1) makes of it: another reader of the format than the library that wrote it.
    private func unzipped(_ bytes: [UInt8]) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(bytes))
        try input.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return [UInt8](data)
    }

    @Test(arguments: [1, 4, 6, 9]) func comesBack(_ level: Int) throws {
        let text = Array(String(repeating: "few-shot segmentation ", count: 2_000).utf8)
        let coded = try #require(Gzip.compress(text, level: level))
        #expect(coded.count < text.count / 20)
        #expect(try unzipped(coded) == text)
    }

    @Test func refusesWhatWouldGrow() {
        var generator = SystemRandomNumberGenerator()
        #expect(Gzip.compress((0..<5_000).map { _ in UInt8.random(in: 0...255, using: &generator) }) == nil)
        #expect(Gzip.compress([]) == nil)
        #expect(Gzip.compress([1]) == nil)
    }
}
