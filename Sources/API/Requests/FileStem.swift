/// The name of an uploaded file without folders and extension: what pairs an image with its mask.
enum FileStem {
    /// Endings that people give to masks; they do not count when a mask is matched to its image.
    private static let maskEndings = ["_mask", "-mask", "_seg", "-seg", "_label", "-label", "_gt", "-gt"]

    /// `scans/case01.nii.png` → `case01.nii`; nil when nothing is left.
    static func of(_ filename: String) -> String? {
        // Browsers of old sent whole paths, with either separator.
        let name = filename.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last ?? ""
        let stem = name.lastIndex(of: ".").map { name[..<$0] } ?? name
        // U+0000, which ends texts in the database, is in nobody's file names.
        guard !stem.isEmpty, !stem.unicodeScalars.contains("\0") else { return nil }
        return String(stem)
    }

    /// The stem of the image that a mask of this name belongs to.
    static func ofMask(_ filename: String) -> String? {
        guard let stem = of(filename) else { return nil }
        let ending = maskEndings.first { stem.lowercased().hasSuffix($0) && stem.count > $0.count }
        return ending.map { String(stem.dropLast($0.count)) } ?? stem
    }
}
