import Foundation
import TestSupport

/// A file outside the data folder's keeping.
struct Fixture {
    let path: String

    init(in folder: TemporaryDirectory, _ text: String) throws {
        path = folder.file("gmiseg.test-\(UUID().uuidString)")
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    var text: String? { FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    func symbolicLink() throws -> String {
        try FileManager.default.createSymbolicLink(atPath: path + "-link", withDestinationPath: path)
        return path + "-link"
    }

    static func read(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }
}
