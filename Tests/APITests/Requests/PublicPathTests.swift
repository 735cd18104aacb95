import API
import Foundation
import TestSupport
import Testing

@Suite struct PublicPathTests {
    @Test func staysBelowItsFolder() throws {
        let folder = try TemporaryDirectory()
        let files = FileManager.default
        let root = folder.file("Public")
        try files.createDirectory(atPath: root + "/css", withIntermediateDirectories: true)
        for name in ["Public/index.html", "Public/css/a b.css", "Public/.hidden", "secret", "Public2"] {
            try Data("x".utf8).write(to: URL(filePath: folder.file(name)))
        }
        try files.createSymbolicLink(atPath: root + "/link", withDestinationPath: folder.file("secret"))
        try files.createSymbolicLink(atPath: root + "/inside", withDestinationPath: root + "/index.html")

        let real = URL(filePath: root).resolvingSymlinksInPath().path
        #expect(PublicPath.resolve("/", below: root) == real + "/index.html")
        #expect(PublicPath.resolve("/index.html", below: root) == real + "/index.html")
        #expect(PublicPath.resolve("//css///a%20b.css", below: root) == real + "/css/a b.css")
        #expect(PublicPath.resolve("/inside", below: root) == real + "/index.html")
        let refused = [
            "/../secret", "/%2e%2e/secret", "/css/../../secret", "/..%2fsecret", "/.hidden", "/link", "/none", "secret",
            "/css%00", "/%zz", "/..\\secret", "/../Public2", "*", "",
        ]
        for path in refused { #expect(PublicPath.resolve(path, below: root) == nil, "\(path)") }
    }
}
