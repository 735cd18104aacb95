/// Which support images show one patient, so that no patient is on both sides of a fold.
package struct PatientGroups: Sendable, Equatable {
    /// Where the groups come from.
    package enum Source: String, Sendable {
        case given
        case stems
    }

    /// One number per example; equal numbers are one patient.
    package let groups: [Int]
    /// Nil: nothing is known, and every image stands for itself.
    package let source: Source?

    /// - Parameters:
    ///   - stems: File stems of the examples, in order.
    ///   - given: The patient of each where a client said so; an example without one stands for itself.
    package init(stems: [String], given: [String?]) {
        precondition(stems.count == given.count, "one patient per stem")
        let candidates: [(Source, [String])] =
            given.contains { $0 != nil }
            ? [(.given, zip(stems.indices, given).map { $1.map { "g\($0)" } ?? "e\($0)" })]
            : Self.prefixes(of: stems).map { (.stems, $0) }
        for (source, names) in candidates {
            let distinct = Set(names).count
            // One patient in all cannot be held out; as many as images says nothing.
            if distinct > 1, distinct < stems.count {
                (groups, self.source) = (Self.numbered(names), source)
                return
            }
        }
        (groups, source) = (Array(stems.indices), nil)
    }

    package var count: Int { Set(groups).count }

    private static func numbered(_ names: [String]) -> [Int] {
        var numbers: [String: Int] = [:]
        return names.map { name in
            let number = numbers[name] ?? numbers.count
            numbers[name] = number
            return number
        }
    }

    /// What may name the patient in stems like `case101_day20_slice_0078` or `10_24`: the leading words of each, from one
    /// word on, as long as they hold a digit and something follows.
    private static func prefixes(of stems: [String]) -> [[String]] {
        let words = stems.map { $0.split(whereSeparator: { "_-. ".contains($0) }).map(String.init) }
        let longest = words.map(\.count).max() ?? 0
        return (1..<max(longest, 1)).compactMap { length in
            let names = words.map { $0.count > length ? $0.prefix(length).joined(separator: "_") : nil }
            guard names.allSatisfy({ $0?.contains(where: \.isNumber) == true }) else { return nil }
            return names.compactMap(\.self)
        }
    }
}
