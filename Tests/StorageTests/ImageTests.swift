import Dispatch
import Storage
import TestSupport
import Testing

@Suite struct ImageTests {
    let folder: TemporaryDirectory
    let store: SQLiteStore

    init() throws {
        folder = try TemporaryDirectory()
        store = try SQLiteStore(directory: folder.path)
    }

    @Test func isKeptOnceAndGoes() throws {
        let kept = try store.saveImage(Sample.image("img_0a", "first"))
        #expect(kept.width == 7 && kept.height == 5 && kept.mediaType == "image/png")
        #expect(try store.saveImage(Sample.image("img_0a", "same pixels, other file")) == kept)
        #expect(try store.image("img_0a") == kept)
        #expect(try store.read(kept.file) == Array("first".utf8))
        try expectNothingAstray(store, folder.path, images: ["img_0a"])
        #expect(try store.deleteImage("img_0a"))
        #expect(try !store.deleteImage("img_0a"))
        #expect(try store.image("img_0a") == nil)
        try expectNothingAstray(store, folder.path)
    }

    @Test func arrivingManyTimesAtOnceIsKeptOnce() throws {
        let (store, folder) = (store, folder)
        DispatchQueue.concurrentPerform(iterations: 16) { number in
            #expect(throws: Never.self) { try store.saveImage(Sample.image("img_same", "bytes \(number)")) }
        }
        try expectNothingAstray(store, folder.path, images: ["img_same"])
        #expect(try store.probe().images == 1)
    }

    @Test(arguments: ["", "../x", "a/b", "A", "ä", "a b", "a\0", String(repeating: "a", count: 101)])
    func refusesWhatIsNoIdentifier(_ id: String) throws {
        #expect(throws: StoreError.invalidIdentifier(id)) { try store.saveImage(Sample.image(id)) }
        #expect(try store.image(id) == nil)
        try expectNothingAstray(store, folder.path)
    }
}
