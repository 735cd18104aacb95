import Basics
import Foundation
import GRDB
import Storage
import TestSupport
import Testing

/// A clock that moves on by one millisecond each time it is read.
final class SteppingClock: Sendable {
    private let next: Lock<Int64>

    init(from start: Int64 = 1_000) { next = Lock(start) }

    var clock: WallClock {
        WallClock {
            self.next.withLock { now in
                defer { now += 1 }
                return Timestamp(milliseconds: now)
            }
        }
    }
}

enum Sample {
    static func example(_ number: Int) -> NewExample {
        NewExample(
            stem: "slice \(number)", image: .bytes(Array("image \(number)".utf8)),
            mask: .bytes(Array("mask \(number) ".utf8)), imageHash: "i\(number)", maskHash: "m\(number)",
            width: 64 + number, height: 48)
    }

    static func task(
        name: String = "heart", examples: Int = 2, job: NewJob? = NewJob(), adapter: NewAdapter? = nil
    ) -> NewTask {
        NewTask(
            name: name, labels: [Label(value: 1, name: "left ventricle"), Label(value: 2, name: "Herzmuskel")],
            spacing: PixelSpacing(x: 1.25, y: 1.5), model: "gmiseg-mini", settingsJSON: #"{"kind":"decoder"}"#,
            owner: "ward 3", support: (0..<examples).map(example), job: job, adapter: adapter)
    }

    static func adapter(_ text: String = "weights", serving: NewAdapter.Serving = .after(nil)) -> NewAdapter {
        NewAdapter(
            file: .bytes(Array(text.utf8)), sha256: "sha of \(text)", cardJSON: #"{"rank":4}"#, serving: serving)
    }

    static func image(_ id: String = "img_0a", _ text: String = "pixels") -> NewImage {
        NewImage(id: id, content: .bytes(Array(text.utf8)), width: 7, height: 5, mediaType: "image/png")
    }
}

/// The paths of all files below `directory`, sorted, relative to it.
func files(below directory: String) -> [String] {
    (FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? [])
        .filter { path in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: directory + "/" + path, isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }
        .sorted()
}

/// Expects that the files in the data folder are exactly those that records name, each of its recorded size, and that
/// nothing is on its way.
func expectNothingAstray(
    _ store: SQLiteStore, _ directory: String, images: [String] = [], at location: SourceLocation = #_sourceLocation
) throws {
    var known: [StoredFile] = []
    for task in try store.tasks(limit: 1_000, after: nil) {
        for example in try store.support(of: task.id) { known += [example.image, example.mask] }
        known += try store.adapters(of: task.id).map(\.file)
    }
    known += try store.jobs(task: nil, limit: 1_000, after: nil).compactMap(\.checkpoint)
    known += try images.compactMap { try store.image($0)?.file }
    for file in known {
        #expect(try store.read(file).count == file.byteCount, sourceLocation: location)
    }
    let found = files(below: directory).filter { !$0.hasPrefix("gmiseg.") }
    #expect(found == known.map(\.name).sorted(), sourceLocation: location)
}

/// Runs SQL on the database of a folder that no store has open.
func tamper(_ directory: String, _ sql: String) throws {
    let queue = try DatabaseQueue(path: directory + "/gmiseg.sqlite")
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
}

extension Store {
    func deleteTask(_ id: String) throws(StoreError) -> Deletion? { try deleteTask(id, ifExpiredBefore: nil) }

    func tasks(limit: Int, after: String?) throws(StoreError) -> [TaskRecord] {
        try tasks(limit: limit, after: after, owner: nil)
    }

    func jobs(task: String?, limit: Int, after: String?) throws(StoreError) -> [Job] {
        try jobs(task: task, limit: limit, after: after, owner: nil)
    }

    func image(_ id: String) throws(StoreError) -> ImageRecord? { try image(id, owner: nil) }

    func deleteImage(_ id: String) throws(StoreError) -> Bool { try !deleteImage(id, owner: nil).isEmpty }
}
