/// Opaque, unguessable identifiers: a prefix that says what it names, and 80 random bits in lower-case base 32.
///
/// `task_4w1kz0v9q2m8c5ht` cannot be counted up to another user's task, and needs no quoting in a URL, a file name or a
/// shell.
package enum Identifier {
    // Crockford's alphabet: no i, l, o or u, which are misread on paper.
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    private static let length = 16

    /// A fresh identifier, `prefix_` and sixteen characters.
    package static func make(_ prefix: String) -> String {
        var generator = SystemRandomNumberGenerator()
        var text: [UInt8] = []
        for _ in 0..<length {
            text.append(alphabet[Int(generator.next(upperBound: UInt32(alphabet.count)))])
        }
        return prefix + "_" + String(decoding: text, as: UTF8.self)
    }

    /// Whether `text` has the form that `make(prefix)` gives. Anything else need not be looked up, nor named in a path.
    package static func isWellFormed(_ text: String, prefix: String) -> Bool {
        guard text.hasPrefix(prefix + "_") else { return false }
        let tail = text.utf8.dropFirst(prefix.utf8.count + 1)
        return tail.count == length && tail.allSatisfy(alphabet.contains)
    }
}
