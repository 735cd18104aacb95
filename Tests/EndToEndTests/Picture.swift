import Imaging

enum Picture {
    /// 40 × 40 pixels with a bright disc of radius 16, so big that even random weights learn something of it in no time, and the disc's mask.
    static func disc(x: Int) -> (image: [UInt8], mask: [UInt8]) {
        var (grey, mask) = ([UInt8](), [UInt8]())
        for row in 0..<40 {
            for column in 0..<40 {
                let isInside = (row - 20) * (row - 20) + (column - x) * (column - x) <= 256
                grey.append(isInside ? 210 : UInt8(30 + row))
                mask.append(isInside ? 1 : 0)
            }
        }
        return (
            PNG.encode(RGBImage(width: 40, height: 40, grey: grey)),
            PNG.encode(Mask(width: 40, height: 40, pixels: mask))
        )
    }
}
