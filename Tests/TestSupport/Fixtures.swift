/// Files under `Tests/Fixtures`, found from this source file, so that tests run from any working directory.
package enum Fixtures {
    package static func path(_ name: String) -> String { repository("Tests/Fixtures/" + name) }

    /// The repository's root: `examples/` and `models/` lie there.
    package static func repository(_ name: String) -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/" + root + "/" + name
    }
}
