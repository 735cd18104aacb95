/// A watch on a job; ends with `cancel()` or when the last reference goes.
package final class Observation: Sendable {
    private let end: @Sendable () -> Void

    init(end: @escaping @Sendable () -> Void) { self.end = end }

    deinit { end() }

    package func cancel() { end() }
}
