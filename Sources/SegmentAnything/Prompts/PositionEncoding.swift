import Glibc
import Tensor

/// Random Fourier features of a place in the square (Tancik et al. 2020), for points and for the embedding's grid.
struct PositionEncoding: Sendable {
    static let matrixName = "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"

    private let frequencies: [Float]  // [2, C/2]: of x, then of y
    private let half: Int

    /// - Parameter matrix: The model's tensor of that name, which no adapter changes.
    init(_ matrix: Tensor) {
        frequencies = matrix.elements
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
    ///
    /// An angle is a sum of one for the column and one for the row, so that sines and cosines are computed for one axis
    /// and combined by the addition theorems.
    func ofGrid(_ grid: Int) -> Tensor {
        let channels = 2 * half
        let (columns, rows) = (axis(grid, frequencies[..<half]), axis(grid, frequencies[half...]))
        return Tensor(shape: [grid, grid, channels]) { elements in
            for y in 0..<grid {
                for x in 0..<grid {
                    let start = (y * grid + x) * channels
                    for index in 0..<half {
                        let (a, b) = (columns[x * half + index], rows[y * half + index])
                        elements[start + index] = a.sine * b.cosine + a.cosine * b.sine
                        elements[start + half + index] = a.cosine * b.cosine - a.sine * b.sine
                    }
                }
            }
        }
    }

    /// Sine and cosine of each place's angle along one axis, `[grid, C/2]`.
    private func axis(_ grid: Int, _ frequencies: ArraySlice<Float>) -> [(sine: Float, cosine: Float)] {
        (0..<grid).flatMap { place in
            let centred = 2 * ((Float(place) + 0.5) / Float(grid)) - 1
            return frequencies.map { frequency in
                let angle = 2 * Float.pi * (centred * frequency)
                return (sinf(angle), cosf(angle))
            }
        }
    }
}
