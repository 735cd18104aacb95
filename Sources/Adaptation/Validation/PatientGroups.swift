/// Which support images show one patient, so that no patient is on both sides of a fold.
package struct PatientGroups: Sendable, Equatable {
    /// Where the groups come from.
    package enum Source: String, Sendable {
        case given
        case stems
        /// Some are copies of others, and nothing else is known.
        case pictures
    }

    /// One number per example; equal numbers are one patient.
    package let groups: [Int]
    /// Nil: nothing is known of some, and every picture stands for itself.
    package let source: Source?
    /// What all stems begin with, if that may be the name of one patient, and nothing else is known: `case101` of `case101_slice_1` to `_8`.
    package let sharedName: String?

    /// - Parameters:
    ///   - stems: File stems of the examples, in order.
    ///   - given: The patient of each where a client said so. An example without one has the patient that its stem tells, who may be named by another
    ///     example's client; where stems tell none it stands for itself.
    ///   - pictures: A hash of each example's pixels, where known. One picture is of one patient, under whatever names it came.
    package init(stems: [String], given: [String?], pictures: [String]? = nil) {
        precondition(stems.count == given.count, "one patient per stem")
        // One patient in all is more likely a name that all files share; as many as images say nothing.
        let read = Self.prefixes(of: stems).first { names in
            let known = names.compactMap(\.self)
            return (2..<max(known.count, 2)).contains(Set(known).count) && !Self.isRefuted(names, by: given)
        }
        let isUnknown = read == nil && given.contains { $0 == nil }
        sharedName =
            isUnknown && stems.count > 1
            ? Self.prefixes(of: stems).first { names in
                Set(names).count == 1 && !Self.isRefuted(names, by: given)
            }?.first.flatMap(\.self) : nil
        var named: [String: String] = [:]
        for case (let own?, let given?) in zip(read ?? [], given) { named[own] = given }
        let apart = stems.indices.map { index in
            if let given = given[index] { return "given \(given)" }
            guard let own = read?[index] else { return "example \(index)" }
            return named[own].map { "given \($0)" } ?? "stem \(own)"
        }
        let names = pictures.map { Self.joined(apart, by: $0) } ?? apart
        let distinct = Set(names).count
        // That all are of one patient is believed to whoever says so, and where one picture has the names of all: then nothing can be held out.
        let isTold =
            given.allSatisfy { $0 != nil } || ((read != nil || given.contains { $0 != nil }) && Set(apart).count > 1)
        guard distinct < stems.count, distinct > 1 || isTold else {
            // Who was told of each image that it is of another patient is not answered that nothing was known.
            let isGiven = !given.isEmpty && given.allSatisfy { $0 != nil } && distinct == stems.count
            (groups, source) = (pictures.map(Self.numbered) ?? Array(stems.indices), isGiven ? .given : nil)
            return
        }
        groups = Self.numbered(names)
        source = given.contains { $0 != nil } ? .given : read != nil ? .stems : .pictures
    }

    package var count: Int { Set(groups).count }

    /// Whether one name stands for two whom a client tells apart: then it names something else, a site or a day.
    private static func isRefuted(_ names: [String?], by given: [String?]) -> Bool {
        var named: [String: String] = [:]
        for case (let own?, let patient?) in zip(names, given) {
            if let other = named.updateValue(patient, forKey: own), other != patient { return true }
        }
        return false
    }

    /// The names, those of equal pictures made one.
    private static func joined(_ names: [String], by pictures: [String]) -> [String] {
        var first: [String: String] = [:]
        var joined = names
        for (index, picture) in pictures.enumerated() {
            let (name, earlier) = (joined[index], first[picture] ?? joined[index])
            joined = joined.map { $0 == name ? earlier : $0 }
            first = first.mapValues { $0 == name ? earlier : $0 }
            first[picture] = earlier
        }
        return joined
    }

    private static func numbered(_ names: [String]) -> [Int] {
        var numbers: [String: Int] = [:]
        return names.map { name in
            let number = numbers[name] ?? numbers.count
            numbers[name] = number
            return number
        }
    }

    /// What may name the patient in stems like `case101_day20_slice_0078` or `10_24`: the leading words of each, from one
    /// word on, as long as they hold a digit and something follows; nil: a stem that tells none.
    private static func prefixes(of stems: [String]) -> [[String?]] {
        let words = stems.map { $0.split(whereSeparator: { "_-. ".contains($0) }).map(String.init) }
        let longest = words.map(\.count).max() ?? 0
        return (1..<max(longest, 1)).compactMap { length in
            let names = words.map { words in
                words.count > length ? words.prefix(length).joined(separator: "_") : nil
            }.map { $0?.contains(where: \.isNumber) == true ? $0 : nil }
            // One file of another kind among many does not hide whose the others are.
            return names.contains { $0 != nil } ? names : nil
        }
    }
}
