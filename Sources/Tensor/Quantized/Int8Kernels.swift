import CKernels
import Glibc

/// The 8-bit kernels of one instruction set; see `CKernelsInt8.h`. Sums of products are exact, so equal on all of them.
package struct Int8Kernels: @unchecked Sendable {
    // Invariant: the table is constant data.
    private let table: UnsafePointer<int8_kernels>

    private init(_ table: UnsafePointer<int8_kernels>) { self.table = table }

    /// What this machine can run, slowest first.
    package static let available: [Int8Kernels] = (0..<int8_kernels_count()).compactMap {
        int8_kernels_row($0).map(Int8Kernels.init)
    }

    /// What operations use: the fastest, or the one that the environment variable `GMISEG_KERNELS` names; there is one
    /// more here than for floats, `avx512vnni`.
    package static let best: Int8Kernels = {
        let wanted = getenv("GMISEG_KERNELS").map { String(cString: $0) }
        guard let best = available.first(where: { $0.name == wanted }) ?? available.last else {
            fatalError("the table of 8-bit kernels is empty")
        }
        return best
    }()

    package var name: String { String(cString: table.pointee.name) }

    /// Codes of `rows` rows of `columns` floats, `stride` apart, with the scale and the code of 0 of each.
    func quantize(
        _ codes: UnsafeMutablePointer<UInt8>, scales: UnsafeMutablePointer<Float>, zeros: UnsafeMutablePointer<Int32>,
        _ x: UnsafePointer<Float>, stride: Int, rows: Int, columns: Int
    ) {
        table.pointee.quantize_rows(codes, scales, zeros, x, stride, rows, columns)
    }

    func product(_ result: inout int8_result, _ rows: inout int8_rows, _ weights: inout int8_weights) {
        table.pointee.product(&result, &rows, &weights)
    }
}
