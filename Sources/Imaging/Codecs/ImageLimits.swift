/// What a file may ask for before memory is set aside for it.
package struct ImageLimits: Sendable, Equatable {
    /// Width times height. Each pixel needs at most 8 bytes decoded (four 16-bit channels), 11 while a palette expands.
    package var maximumPixels: Int
    package var maximumSide: Int
    /// Size of the file.
    package var maximumBytes: Int

    /// 33.5 megapixels: above any radiograph or fundus photograph, and at most 270 MB decoded.
    package static let standard = ImageLimits()

    package init(maximumPixels: Int = 1 << 25, maximumSide: Int = 1 << 15, maximumBytes: Int = 1 << 28) {
        self.maximumPixels = maximumPixels
        self.maximumSide = maximumSide
        self.maximumBytes = maximumBytes
    }

    /// Refuses sizes over the limits; `width` and `height` are positive and below 2^31.
    func check(width: Int, height: Int) throws(ImageError) {
        guard width <= maximumSide, height <= maximumSide else {
            throw .sideTooLong(width: width, height: height, limit: maximumSide)
        }
        guard width <= maximumPixels / height else {
            throw .tooManyPixels(width: width, height: height, limit: maximumPixels)
        }
    }
}
