package import Imaging

/// A mask cut into the objects that touch in it: each pixel flows to the nearest place that is deep inside (a watershed of
/// the distance to the outside; Beucher and Lantuéjoul 1979).
///
/// Two deep places are one object unless the neck between them is narrower than `neck` of the shallower one's depth.
package struct Regions: Sendable {
    package let width: Int
    package let height: Int
    /// `[height, width]`: 0 outside, else the region's number.
    package let labels: [Int]
    /// From 1.
    package let count: Int

    /// The widest neck that still separates, in depths of the smaller object.
    package static let neck = 0.8

    package init(_ mask: Mask) {
        (width, height) = (mask.width, mask.height)
        let depths = DistanceTransform.depths(in: mask)
        // From the deepest outwards; raster order among equals, so that the cut is the same every time.
        let order = depths.indices.filter { mask.pixels[$0] != 0 }
            .sorted { (depths[$1], $0) < (depths[$0], $1) }
        var labels = [Int](repeating: 0, count: depths.count)
        var peaks: [Double] = [0]  // of each label, the depth of its first pixel
        var parents = [0]
        func root(_ label: Int) -> Int {
            var label = label
            while parents[label] != label { label = parents[label] }
            return label
        }
        for pixel in order {
            var touching: [Int] = []
            var steepest: Int?
            let (x, y) = (pixel % mask.width, pixel / mask.width)
            for row in max(y - 1, 0)...min(y + 1, mask.height - 1) {
                for column in max(x - 1, 0)...min(x + 1, mask.width - 1) {
                    let neighbour = row * mask.width + column
                    guard labels[neighbour] > 0 else { continue }
                    if steepest.map({ depths[neighbour] > depths[$0] }) ?? true { steepest = neighbour }
                    let owner = root(labels[neighbour])
                    if !touching.contains(owner) { touching.append(owner) }
                }
            }
            guard let steepest, let deepest = touching.max(by: { (peaks[$0], $1) < (peaks[$1], $0) }) else {
                parents.append(parents.count)
                peaks.append(depths[pixel])
                labels[pixel] = parents.count - 1
                continue
            }
            // Uphill, and not to the deepest object that is near: else its rim would creep around its neighbours.
            labels[pixel] = root(labels[steepest])
            for other in touching where other != deepest && depths[pixel] >= Self.neck * peaks[other] {
                parents[other] = deepest
            }
        }
        var numbers: [Int: Int] = [:]
        for index in labels.indices where labels[index] > 0 {
            let owner = root(labels[index])
            let number = numbers[owner] ?? numbers.count + 1
            numbers[owner] = number
            labels[index] = number
        }
        self.labels = labels
        count = numbers.count
    }

    package func mask(_ label: Int) -> Mask {
        Mask(width: width, height: height, pixels: labels.map { $0 == label ? 1 : 0 })
    }
}
