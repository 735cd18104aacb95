import ArgumentParser
import Basics
import Foundation
import Imaging

/// The images of a folder, each with its mask if there is one: `DIR/images/x.png` and `DIR/masks/x.png`, or images that lie
/// in `DIR` itself.
struct ImageFolder {
    struct Entry {
        let image: String
        let mask: String?
    }

    /// In the order of their names.
    let entries: [Entry]

    init(_ folder: String) throws {
        let nested = folder + "/images"
        let images = FileManager.default.fileExists(atPath: nested) ? nested : folder
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: images) else {
            throw ValidationError("\(images) is not a folder that can be read")
        }
        let masks = ((try? FileManager.default.contentsOfDirectory(atPath: folder + "/masks")) ?? []).filter {
            !isLitter($0)
        }
        let maskOfStem = Dictionary(masks.map { (Self.stem($0), $0) }, uniquingKeysWith: { first, _ in first })
        entries =
            names.filter { name in
                !isLitter(name) && [".png", ".jpg", ".jpeg"].contains { name.lowercased().hasSuffix($0) }
            }
            .sorted()
            .map { name in
                Entry(
                    image: "\(images)/\(name)",
                    mask: images == nested ? maskOfStem[Self.stem(name)].map { "\(folder)/masks/\($0)" } : nil)
            }
        guard !entries.isEmpty else { throw ValidationError("no PNG or JPEG files in \(images)") }
    }

    private static func stem(_ name: String) -> String { URL(filePath: name).deletingPathExtension().lastPathComponent }
}

extension ImageFolder.Entry {
    func read() throws -> (image: RGBImage, mask: Mask?) {
        let pixels = RGBImage(try decode(image))
        let truth = try mask.map { Mask(try decode($0)) }
        // A mask of another size says nothing about where the object is.
        return (pixels, truth.flatMap { $0.width == pixels.width && $0.height == pixels.height ? $0 : nil })
    }

    private func decode(_ path: String) throws -> RawImage {
        do {
            return try ImageDecoder.decode(path: path)
        } catch {
            throw ValidationError("\(path): \(error)")
        }
    }
}
