package import Basics
import Cryptography

/// Names a place where chance plays a part, so that each has a generator of its own: what is drawn for one image never
/// depends on which others are evaluated, or in which order.
package struct DrawKey: Sendable, Equatable {
    private let path: [String]

    package init(seed: UInt64, _ names: String...) { path = ["\(seed)"] + names }

    private init(path: [String]) { self.path = path }

    func appending(_ names: String...) -> DrawKey { DrawKey(path: path + names) }

    /// The generator for `purpose`: seeded by the first eight bytes of the SHA-256 of all names.
    package func generator(_ purpose: String) -> SeededRandom {
        var hash = SHA256()
        // The length before each name tells ["ab", "c"] from ["a", "bc"].
        for name in path + [purpose] { hash.update("\(name.utf8.count) \(name)".utf8) }
        return SeededRandom(seed: hash.finalize().prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
}
