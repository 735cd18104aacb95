/// The known name that a misspelt one was probably meant to be.
package enum NearestName {
    /// The closest of `names` to `name`, by case-insensitive edit distance; nil when nothing is close enough to be worth
    /// suggesting. Ties go to the earlier name.
    package static func suggestion(for name: String, among names: [String]) -> String? {
        // A hostile name could be megabytes long; nothing that long is a slip of the finger.
        guard name.utf8.count <= 64 else { return nil }
        let wanted = Array(name.lowercased())
        var best: (name: String, distance: Int)?
        for candidate in names {
            let distance = editDistance(wanted, Array(candidate.lowercased()))
            // Half of the letters may be wrong, at least two: "pts" is a hint of "points", "foo" is not of "image".
            let allowed = max(2, max(wanted.count, candidate.count) / 2)
            guard distance <= allowed, distance < max(wanted.count, candidate.count) else { continue }
            if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b` (optimal string alignment).
    package static func editDistance(_ a: [Character], _ b: [Character]) -> Int {
        guard !a.isEmpty else { return b.count }
        guard !b.isEmpty else { return a.count }
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i]
            row.reserveCapacity(b.count + 1)
            for j in 1...b.count {
                var cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    cost = min(cost, beforeLast[j - 2] + 1)
                }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
