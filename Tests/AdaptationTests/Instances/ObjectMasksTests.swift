import Adaptation
import Imaging
import Testing

@Suite struct ObjectMasksTests {
    /// Rows of a picture: each mask has the pixels of its letter, or of several letters.
    private static func masks(_ picture: [String], _ letters: [String]) -> [Mask] {
        letters.map { letters in
            Mask(
                width: picture[0].count, height: picture.count,
                pixels: picture.joined().map { letters.contains($0) ? 1 : 0 })
        }
    }

    private static let picture = [
        "aaaabbbb.",
        "aaaabbbb.",
        "aacabbbb.",
        "aaaabbbb.",
    ]

    private func apart(_ letters: [String], least: Int = 1) -> [String] {
        var masks = Self.masks(Self.picture, letters)
        let found = ObjectMasks.separate(&masks, least: least)
        #expect(found == found.sorted())
        return found.map { index in
            String(Set(zip(Self.picture.joined(), masks[index].pixels).filter { $1 != 0 }.map(\.0)).sorted())
        }
    }

    @Test func objectsThatShareNothingStayAsTheyAre() {
        #expect(apart(["a", "b"]) == ["a", "b"])
        #expect(apart([]) == [])
    }

    /// However sure the scrap is of itself, it does not punch a hole into the object.
    @Test func aScrapOfAnObjectIsNone() {
        #expect(apart(["c", "ac", "b"]) == ["ac", "b"])
        #expect(apart(["ac", "c"]) == ["ac"])
    }

    /// Two of nearly one size are two objects until most of one lies in the other: the better one has what both claim.
    @Test func thePixelsOfTwoAreTheBetterOnes() {
        #expect(apart(["b", "abc"]) == ["b", "ac"])
        #expect(apart(["abc", "b"]) == ["abc"])
    }

    @Test func emptyAndSmallMasksAreNoObjects() {
        #expect(apart(["x", "a"]) == ["a"])
        #expect(apart(["c", "b"], least: 2) == ["b"])
    }
}
