/// Files under `Tests/Fixtures`, found from this source file, so that tests run from any working directory.
package enum Fixtures {
    package static func path(_ name: String, here: String = #filePath) -> String {
        let tests = here.split(separator: "/").dropLast(2).joined(separator: "/")
        return "/" + tests + "/Fixtures/" + name
    }

    /// The repository's root: `examples/` and `models/` lie there.
    package static func repository(_ name: String, here: String = #filePath) -> String {
        let root = here.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/" + root + "/" + name
    }
}
