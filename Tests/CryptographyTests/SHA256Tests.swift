import Basics
import Cryptography
import Testing

struct SHA256Tests {
    // FIPS 180-4 example values.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func matchesPublishedValues(_ text: String, _ expected: String) {
        #expect(SHA256.hex(text.utf8) == expected)
    }

    @Test func piecesGiveTheSameDigestAsTheWhole() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for split in [0, 1, 63, 64, 65, 999, 1000] {
            var hash = SHA256()
            hash.update(bytes[..<split])
            hash.update(bytes[split...])
            #expect(Hex.string(hash.finalize()) == SHA256.hex(bytes))
        }
    }
}
