/// An image with the words that go above it.
package struct Panel: Sendable, Equatable {
    package let image: RGBImage
    /// Printable ASCII; other characters show as a question mark. Cut to the panel's width.
    package let caption: String

    package init(_ image: RGBImage, caption: String) {
        self.image = image
        self.caption = caption
    }
}

/// Panels side by side, as in a figure.
package enum PanelSheet {
    private static let margin = 6
    private static let background = Colour(red: 24, green: 24, blue: 28)

    /// One picture of all `rows`, top to bottom, each left to right. There is at least one panel.
    package static func draw(_ rows: [[Panel]]) -> RGBImage {
        precondition(rows.contains { !$0.isEmpty }, "there is something to draw")
        let captionHeight = BitmapFont.height + margin / 2
        let widths = rows.map { row in row.reduce(margin) { $0 + $1.image.width + margin } }
        let heights = rows.map { row in captionHeight + margin + (row.map(\.image.height).max() ?? 0) }
        var canvas = Canvas(
            width: widths.reduce(0, max), height: heights.reduce(margin, +), background: background)
        var y = margin
        for (row, height) in zip(rows, heights) {
            var x = margin
            for panel in row {
                let caption = String(panel.caption.prefix(panel.image.width / BitmapFont.advance))
                canvas.draw(caption, x: x, y: y, colour: .white)
                canvas.draw(panel.image, x: x, y: y + captionHeight)
                x += panel.image.width + margin
            }
            y += height
        }
        return canvas.image
    }
}
