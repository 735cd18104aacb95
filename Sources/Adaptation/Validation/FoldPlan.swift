import Basics

/// How the support set is split: each example is held out of training once, together with its patient.
package struct FoldPlan: Sendable, Equatable {
    package enum Method: String, Sendable {
        case leaveOneOut = "leave-one-out"
        case kFold = "k-fold"
    }

    /// Up to so many patients are held out one by one; more are put into `foldCount` folds. Each fold costs a training run.
    static let leaveOneOutLimit = 5
    static let foldCount = 4
    /// Runs in tiles need many steps, and of each image there is much to see: what is saved on folds goes into them.
    static let tiledFoldCount = 2

    static let mostFolds = max(leaveOneOutLimit, foldCount)

    package let method: Method
    /// The examples held out in each fold, ascending; together all of them.
    package let folds: [[Int]]
    /// Two halves for the learning curve: each is tested by what the other taught. Empty with fewer than four patients.
    package let halves: [[Int]]

    /// Nil with fewer than two patients: nothing can be held out.
    ///
    /// - Parameter isTiled: Whether images are seen in tiles: then there are two folds where four patients allow it, which are
    ///   halves as it is.
    package init?(_ patients: PatientGroups, seed: UInt64, isTiled: Bool = false) {
        let members = Dictionary(grouping: patients.groups.indices) { patients.groups[$0] }
        guard members.count > 1 else { return nil }
        // A constant of its own, so that folds and training draws never share a sequence.
        var generator = SeededRandom(seed: seed ^ 0x466F_6C64)
        let shuffled = members.sorted { $0.key < $1.key }.map(\.value).shuffled(using: &generator)
        let areHalves = isTiled && members.count >= 4
        method = members.count <= Self.leaveOneOutLimit && !areHalves ? .leaveOneOut : .kFold
        let count = areHalves ? Self.tiledFoldCount : Self.foldCount
        folds = Self.dealt(shuffled, into: method == .leaveOneOut ? members.count : count)
        halves = members.count >= 4 && !areHalves ? Self.dealt(shuffled, into: 2) : []
    }

    /// The larger patients first, each to the fold that has the fewest images so far.
    private static func dealt(_ patients: [[Int]], into count: Int) -> [[Int]] {
        let bySize = patients.enumerated().sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
        var folds = [[Int]](repeating: [], count: count)
        for (_, members) in bySize {
            let smallest = folds.indices.min { (folds[$0].count, $0) < (folds[$1].count, $1) } ?? 0
            folds[smallest] += members
        }
        return folds.map { $0.sorted() }
    }
}
