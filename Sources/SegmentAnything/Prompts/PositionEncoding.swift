import Glibc
import Tensor

/// Random Fourier features of a place in the square (Tancik et al. 2020), for points and for the embedding's grid.
struct PositionEncoding: Sendable {
    private let frequencies: [Float]  // [2, C/2]: of x, then of y
    private let half: Int

    init(_ parameters: Parameters) {
        frequencies = parameters("pe_layer.positional_encoding_gaussian_matrix").tensor.elements
        half = frequencies.count / 2
    }

    /// Writes C features, sines then cosines, of a place given as fractions of the square's side.
    func write(x: Float, y: Float, into features: UnsafeMutableBufferPointer<Float>) {
        let (centredX, centredY) = (2 * x - 1, 2 * y - 1)
        for index in 0..<half {
            let turns = centredX * frequencies[index] + centredY * frequencies[half + index]
            let angle = 2 * Float.pi * turns
            features[index] = sinf(angle)
            features[half + index] = cosf(angle)
        }
    }

    /// The encoding of every token of a grid, at the token's centre: `[grid, grid, C]`.
    func ofGrid(_ grid: Int) -> Tensor {
        let channels = 2 * half
        return Tensor(shape: [grid, grid, channels]) { elements in
            for y in 0..<grid {
                for x in 0..<grid {
                    let start = (y * grid + x) * channels
                    write(
                        x: (Float(x) + 0.5) / Float(grid), y: (Float(y) + 0.5) / Float(grid),
                        into: UnsafeMutableBufferPointer(rebasing: elements[start..<start + channels]))
                }
            }
        }
    }
}
