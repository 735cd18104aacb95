import Glibc

/// An open file descriptor; closing is its `deinit`, so it cannot leak or close twice.
package struct Descriptor: ~Copyable, Sendable {
    package let raw: CInt

    package init(owning raw: CInt) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }

    /// Gives the descriptor away, open.
    package consuming func release() -> CInt {
        let raw = raw
        discard self
        return raw
    }
}
