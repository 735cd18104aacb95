/// Who goes first: what long work asks between two slices of an operation, so that short work need not wait for its end.
package protocol RightOfWay: Sendable {
    /// Whether somebody more urgent is at work or waits for the processor. Asked before every slice, so it must be cheap.
    var isClaimed: Bool { get }

    /// Returns when the caller may go on: at once while nobody claims the way.
    func giveWay()
}

extension Threads {
    @TaskLocal private static var current: (any RightOfWay)?

    /// Whom the work of this thread lets go first; nil: nobody.
    static var rightOfWay: (any RightOfWay)? { current }

    /// Runs `body`, all of whose operations let `others` go first between their slices.
    ///
    /// When is all that depends on it: slices are cut by shape, each is computed once and whole, and none sees another's
    /// result. So the outcome is the same bit for bit, however often the work was held up.
    package static func givingWay<Result>(
        to others: any RightOfWay, _ body: () throws -> Result
    ) rethrows -> Result {
        try $current.withValue(others, operation: body)
    }
}
