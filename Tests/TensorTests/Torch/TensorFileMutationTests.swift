import Basics
import Foundation
import Tensor
import TestSupport
import Testing

/// Damaged files of both formats, from fixed seeds: an error or tensors inside the file, never a crash.
///
/// `GMISEG_FUZZ_ROUNDS` sets the number of mutations of each kind; `GMISEG_FUZZ_SEED` where they start.
@Suite struct TensorFileMutationTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let rounds = environment["GMISEG_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 4_000
    private static let seed = environment["GMISEG_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

    /// One to four random edits: bytes changed, numbers that mean something, pieces removed, repeated or moved.
    private static func mutated(_ original: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        let numbers = [0, 1, 2, 7, 8, 63, 64, 127, 255, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 32, 1 << 62, .max, -1]
        var bytes = original
        for _ in 0...random.index(below: 4) where bytes.count > 8 {
            let place = random.index(below: bytes.count)
            switch random.index(below: 7) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[place] ^= 1 << random.index(below: 8)
            case 2, 3:
                let count = min([1, 2, 4, 8][random.index(below: 4)], bytes.count - place)
                bytes = bytes.patched(place, numbers[random.index(below: numbers.count)], count)
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.index(below: 12)))
            case 5:
                let end = min(bytes.count, place + 1 + random.index(below: 40))
                bytes.insert(contentsOf: bytes[place..<end], at: random.index(below: bytes.count))
            default:
                let count = min(1 + random.index(below: 16), bytes.count - place)
                let from = random.index(below: bytes.count - count + 1)
                bytes.replaceSubrange(place..<place + count, with: Array(bytes[from..<from + count]))
            }
        }
        return bytes
    }

    /// Opens, and if that works reads everything that the file offers; whether it did.
    private static func read(_ content: [UInt8]) -> Bool {
        guard let file = try? TensorFileFormat.open(content: content) else { return false }
        for name in file.names {
            guard let tensor = try? file.tensor(name) else { continue }
            if tensor.count > content.count { Issue.record("\(name) is larger than its file") }
            _ = tensor.isFinite
        }
        _ = try? file.verifyChecksums()
        return true
    }

    private static let views = [
        Pickle.View(count: 6, shape: [2, 3], strides: [3, 1]), Pickle.View(count: 6, shape: [3, 2], strides: [1, 3]),
        Pickle.View(type: "HalfStorage", key: "1", count: 4, shape: [4], strides: [1]),
    ]

    /// The archive around the pickle.
    @Test func archives() {
        let original = TorchArchive(
            pickle: Pickle.stateDict(Self.views.enumerated().map { ("x\($0.offset)", $0.element) }),
            storages: [("0", [UInt8](floats: [0, 1, 2, 3, 4, 5])), ("1", [UInt8](repeating: 60, count: 8))]
        ).bytes
        var random = SeededRandom(seed: Self.seed)
        let readable = (0..<Self.rounds).count { _ in Self.read(Self.mutated(original, &random)) }
        #expect(Self.read(original))
        // Most damage is noticed; damage to the data is not.
        #expect(readable < Self.rounds)
    }

    /// The pickle in an archive that is as it should be, checksum and all: the reader itself is reached each time.
    @Test func pickles() throws {
        let storages = [("0", [UInt8](floats: [0, 1, 2, 3, 4, 5])), ("1", [UInt8](repeating: 60, count: 8))]
        let view = Pickle.tensor(Self.views[0])
        let originals = [
            Pickle.stateDict(Self.views.enumerated().map { ("x\($0.offset)", $0.element) }),
            Pickle.start
                + Pickle.dictionary([
                    (Pickle.text("model"), Pickle.orderedDictionary + Pickle.mark + Pickle.text("x") + view + [0x75]),
                    (Pickle.text("epoch"), Pickle.integer(3)), (Pickle.text("list"), [0x5D, 0x71, 1, 0x68, 1, 0x61]),
                ]) + Pickle.stop,
        ]
        var random = SeededRandom(seed: Self.seed &+ 1)
        var readable = 0
        for round in 0..<Self.rounds {
            let pickle = Self.mutated(originals[round % 2], &random)
            if Self.read(TorchArchive(pickle: pickle, storages: storages).bytes) { readable += 1 }
        }
        #expect(readable > 0 && readable < Self.rounds)
    }

    @Test func safetensors() throws {
        let original = try Safetensors.encode(
            [("x", random([2, 3], seed: 1)), ("y", random([5], seed: 2))], metadata: ["k\n": "v"])
        var random = SeededRandom(seed: Self.seed &+ 2)
        let readable = (0..<Self.rounds).count { _ in Self.read(Self.mutated(original, &random)) }
        #expect(readable < Self.rounds)
    }

    /// The file that PyTorch wrote: fewer rounds, it is large.
    @Test func writtenByPyTorch() throws {
        let original = [UInt8](try Data(contentsOf: URL(filePath: Fixtures.path("checkpoints/tiny.pth"))))
        var random = SeededRandom(seed: Self.seed &+ 3)
        // Edits fall into the pickle or the directory, where they can do something: the data need no more of them.
        let head = 30_000
        for _ in 0..<Self.rounds / 20 {
            _ = Self.read(Self.mutated(Array(original[..<head]), &random) + original[head...])
            _ = Self.read(original[..<(original.count - head)] + Self.mutated(Array(original.suffix(head)), &random))
        }
    }
}
