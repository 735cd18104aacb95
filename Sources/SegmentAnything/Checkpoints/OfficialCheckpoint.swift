/// A checkpoint that the authors of Segment Anything published.
///
/// The six digits in a file's name begin its MD5 and not its SHA-256; the SHA-256 and sizes here are those that many
/// independent projects publish for these files.
package struct OfficialCheckpoint: Sendable, Equatable {
    /// The name of its configuration.
    package let name: String
    package let fileName: String
    package let byteCount: Int
    /// Lower-case hexadecimal.
    package let sha256: String

    package var address: String { "https://dl.fbaipublicfiles.com/segment_anything/\(fileName)" }

    package static let all = [
        OfficialCheckpoint(
            name: "sam-vit-b", fileName: "sam_vit_b_01ec64.pth", byteCount: 375_042_383,
            sha256: "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912"),
        OfficialCheckpoint(
            name: "sam-vit-l", fileName: "sam_vit_l_0b3195.pth", byteCount: 1_249_524_607,
            sha256: "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622"),
        OfficialCheckpoint(
            name: "sam-vit-h", fileName: "sam_vit_h_4b8939.pth", byteCount: 2_564_550_879,
            sha256: "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e"),
    ]

    package static func named(_ name: String) -> OfficialCheckpoint? { all.first { $0.name == name } }
}
