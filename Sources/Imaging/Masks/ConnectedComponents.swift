/// Which neighbours belong together: those that share an edge, or a corner as well.
package enum Connectivity: Sendable {
    case four
    case eight
}

/// The connected regions of a mask.
package struct ConnectedComponents: Sendable {
    package struct Component: Sendable, Equatable {
        /// From 1.
        package let label: Int32
        /// Pixels.
        package let area: Int
        package let boundingBox: PixelBox

        package init(label: Int32, area: Int, boundingBox: PixelBox) {
            self.label = label
            self.area = area
            self.boundingBox = boundingBox
        }
    }

    package let width: Int
    package let height: Int
    /// `[height, width]`: 0 background, else the component's label.
    package let labels: [Int32]
    /// In raster order of their first pixel, so that labels ascend from 1.
    package let components: [Component]

    /// The one of largest area, the first among equals; nil when the mask is empty.
    package var largest: Component? {
        components.reduce(nil) { best, next in
            guard let best else { return next }
            return next.area > best.area ? next : best
        }
    }

    package func mask(_ label: Int32) -> Mask {
        Mask(width: width, height: height, pixels: labels.map { $0 == label ? 1 : 0 })
    }
}

extension Mask {
    package func components(_ connectivity: Connectivity = .eight) -> ConnectedComponents {
        precondition(pixels.count < Int32.max, "the mask has too many pixels to label")
        var labels = [Int32](repeating: 0, count: pixels.count)
        var sets = DisjointSets()
        for y in 0..<height {
            for x in 0..<width where pixels[y * width + x] != 0 {
                let index = y * width + x
                // Neighbours that raster order has already labelled; background ones hold 0.
                let left = x > 0 ? labels[index - 1] : 0
                let above = y > 0 ? labels[index - width] : 0
                var label = sets.join(left, above)
                if connectivity == .eight, y > 0 {
                    if x > 0 { label = sets.join(label, labels[index - width - 1]) }
                    if x < width - 1 { label = sets.join(label, labels[index - width + 1]) }
                }
                labels[index] = label == 0 ? sets.make() : label
            }
        }
        return relabelled(labels, &sets)
    }

    /// Provisional labels to consecutive ones, in raster order, with each component's extent.
    private func relabelled(_ provisional: [Int32], _ sets: inout DisjointSets) -> ConnectedComponents {
        var labels = provisional
        var final = [Int32](repeating: 0, count: sets.count + 1)
        var (areas, boxes): ([Int], [PixelBox]) = ([], [])
        for y in 0..<height {
            for x in 0..<width where labels[y * width + x] != 0 {
                let root = Int(sets.root(labels[y * width + x]))
                let pixel = PixelBox(x0: x, y0: y, x1: x, y1: y)
                if final[root] == 0 {
                    areas.append(0)
                    boxes.append(pixel)
                    final[root] = Int32(areas.count)
                }
                let component = Int(final[root]) - 1
                areas[component] += 1
                boxes[component] = boxes[component].union(pixel)
                labels[y * width + x] = final[root]
            }
        }
        let components = areas.indices.map {
            ConnectedComponents.Component(label: Int32($0 + 1), area: areas[$0], boundingBox: boxes[$0])
        }
        return ConnectedComponents(width: width, height: height, labels: labels, components: components)
    }
}

/// Union-find over labels 1…count, with path halving; 0 stands for no label.
private struct DisjointSets {
    private var parents: [Int32] = [0]

    var count: Int { parents.count - 1 }

    mutating func make() -> Int32 {
        parents.append(Int32(parents.count))
        return Int32(parents.count - 1)
    }

    mutating func root(_ label: Int32) -> Int32 {
        var label = label
        while parents[Int(label)] != label {
            parents[Int(label)] = parents[Int(parents[Int(label)])]
            label = parents[Int(label)]
        }
        return label
    }

    /// The root of both sets, joined under the smaller label; the other's when one is 0.
    mutating func join(_ one: Int32, _ other: Int32) -> Int32 {
        let (one, other) = (root(one), root(other))
        guard one != 0, other != 0 else { return max(one, other) }
        parents[Int(max(one, other))] = min(one, other)
        return min(one, other)
    }
}
