import Basics
import HTTP
import Testing

/// Damaged inputs, from fixed seeds: nothing may crash, and how the input is cut may make no difference.
@Suite struct MutationTests {
    /// One to four random edits: bytes changed, removed, repeated, or replaced by ones that mean something.
    static func mutated(_ original: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        let special = Array("\r\n\r\n\n :;,=\"\\%-0fF\0\u{7f}\u{ff}chunked".utf8)
        var bytes = original
        for _ in 0...random.index(below: 4) where !bytes.isEmpty {
            let place = random.index(below: bytes.count)
            switch random.index(below: 6) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(special[random.index(below: special.count)], at: place)
            case 3: bytes[place] = special[random.index(below: special.count)]
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.index(below: 12)))
            default:
                let end = min(bytes.count, place + 1 + random.index(below: 40))
                bytes.insert(contentsOf: bytes[place..<end], at: random.index(below: bytes.count))
            }
        }
        return bytes
    }

    static func pieces(_ bytes: [UInt8], _ random: inout SeededRandom) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + 1 + random.index(below: 30))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }

    @Test func requests() {
        var random = SeededRandom(seed: 1)
        let originals = RequestParserTests.rows.filter { $0.text.utf8.count < 400 }.map { Array($0.text.utf8) }
        for round in 0..<20_000 {
            let bytes = Self.mutated(originals[random.index(below: originals.count)], &random)
            let whole = parse([bytes], limits: RequestParserTests.tight)
            let cut = parse(Self.pieces(bytes, &random), limits: RequestParserTests.tight)
            #expect(whole == cut, "round \(round)")
            if whole != cut { return }
        }
    }

    @Test func forms() throws {
        var random = SeededRandom(seed: 2)
        let originals = MultipartParserTests.rows.map { Array($0.body.utf8) }
        for round in 0..<20_000 {
            let bytes = Self.mutated(originals[random.index(below: originals.count)], &random)
            let whole = MultipartParserTests.parse([bytes])
            let cut = MultipartParserTests.parse(Self.pieces(bytes, &random))
            #expect(whole == cut, "round \(round)")
            if whole != cut { return }
        }
    }

    @Test func fieldsAndTargets() {
        var random = SeededRandom(seed: 3)
        let originals = [
            "multipart/form-data; boundary=\"a b\"; charset=UTF-8", "text/*;q=0.5, application/json;q=0.123, */*;q=0",
            "form-data; name=\"a\\\"b\"; filename=x; filename*=UTF-8''%e2%82%ac", "a=1&b=%20+c&&=d&e",
        ].map { Array($0.utf8) }
        for _ in 0..<20_000 {
            let text = String(
                decoding: Self.mutated(originals[random.index(below: originals.count)], &random), as: UTF8.self)
            _ = MediaType(text)
            _ = ContentDisposition(text)
            _ = Accept.preferred(text, among: [.json, .png])
            _ = try? Query(text)
            if let type = MediaType(text) { #expect(MediaType(type.description) == type) }
        }
    }
}
