import Foundation
import Imaging
import SegmentAnything

/// A small picture of one answer: image, answer, truth and prompt.
package struct OverlayPicture: Sendable {
    let row: ResultRow
    /// RGB, 8 bit.
    let png: [UInt8]

    /// Longest side in pixels; smaller pictures are enlarged to it.
    private static let side = 220

    init(_ row: ResultRow, image: RGBImage, mask: Mask, truth: Mask, prompts: DrawnPrompts) {
        let prompt = prompts.prompt(row.prompt)
        let crop = Self.surroundings([mask.boundingBox, truth.boundingBox], prompt.box, in: image)
        let scale = Double(Self.side) / Double(max(crop.width, crop.height))
        let width = max(1, Int((Double(crop.width) * scale).rounded()))
        let height = max(1, Int((Double(crop.height) * scale).rounded()))
        func small(_ mask: Mask) -> Mask { Resize.nearest(mask.cropped(to: crop), width: width, height: height) }
        var picture = Resize.bilinear(image.cropped(to: crop), width: width, height: height)
        picture = Overlay.draw(small(mask), over: picture, colour: .orange, opacity: 0.35)
        picture = Overlay.drawContour(small(truth), over: picture, colour: .green)
        // A pixel's centre stays a pixel's centre.
        func x(_ value: Float) -> Double { (Double(value) - Double(crop.x0) + 0.5) * scale - 0.5 }
        func y(_ value: Float) -> Double { (Double(value) - Double(crop.y0) + 0.5) * scale - 0.5 }
        if let box = prompt.box {
            let corners = PixelBox(x0: Int(x(box.x0)), y0: Int(y(box.y0)), x1: Int(x(box.x1)), y1: Int(y(box.y1)))
            picture = Overlay.drawBox(corners, over: picture, colour: .cyan)
        }
        for point in prompt.points {
            picture = Overlay.drawPoint(x: x(point.x), y: y(point.y), over: picture, colour: .cyan, radius: 2)
        }
        self.row = row
        png = PNG.encode(picture)
    }

    /// What a reader must see: everything that is drawn, with half of its size around it; not less than 48
    /// pixels a side, where the image has them.
    private static func surroundings(_ extents: [PixelBox?], _ box: Prompt.Box?, in image: RGBImage) -> PixelBox {
        let whole = PixelBox(x0: 0, y0: 0, x1: image.width - 1, y1: image.height - 1)
        let drawn = box.map { PixelBox(x0: Int($0.x0), y0: Int($0.y0), x1: Int($0.x1), y1: Int($0.y1)) }
        let all = (extents + [drawn]).compactMap(\.self)
        guard let first = all.first else { return whole }
        let extent = all.dropFirst().reduce(first) { $0.union($1) }
        let margin = max(max(extent.width, extent.height) / 2, (48 - min(extent.width, extent.height)) / 2)
        return PixelBox(
            x0: max(extent.x0 - margin, 0), y0: max(extent.y0 - margin, 0),
            x1: min(extent.x1 + margin, whole.x1), y1: min(extent.y1 + margin, whole.y1))
    }

    /// The worst, the median and the best answer of each dataset to one prompt by one kind of model.
    static func choice(_ rows: [ResultRow], datasets: [String]) -> [ResultRow] {
        datasets.flatMap { dataset -> [ResultRow] in
            let ranked = rows.filter { $0.dataset == dataset }.sorted { $0.dice < $1.dice }
            guard ranked.count > 2 else { return ranked.reversed() }
            return [ranked[ranked.count - 1], ranked[ranked.count / 2], ranked[0]]
        }
    }

    func figure(_ caption: String) -> String {
        let image = Data(png).base64EncodedString()
        let text = Markup.escaped("the truth's outline, the answer and the prompt over \(row.stem) of \(row.dataset)")
        return "<figure><img alt=\"\(text)\" src=\"data:image/png;base64,\(image)\"/>"
            + "<figcaption>\(caption)</figcaption></figure>"
    }
}
