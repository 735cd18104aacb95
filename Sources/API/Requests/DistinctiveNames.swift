/// What tells file names of one kind from each other: their words and numbers without those that all of them have.
///
/// `heart1_0000`, `heart2_0000` and `heart10_0000` differ in 1, 2 and 10, and so do their masks `heart1`, `heart2` and `heart10`, though
/// a shell lists the ones and the others in different orders.
enum DistinctiveNames {
    /// - Parameter names: Of parts of one kind; nil where a part has none.
    /// - Returns: One for each; nil unless every one has one of its own.
    static func of(_ names: [String?]) -> [String]? {
        let known = names.map { $0.flatMap(FileStem.of).map(words) ?? [] }
        let keys = distinctive(known).map { $0.joined(separator: " ") }
        return keys.contains("") || Set(keys).count < keys.count ? nil : keys
    }

    /// Names of one make differ place by place; of others what all have goes wherever it stands.
    private static func distinctive(_ words: [[String]]) -> [[String]] {
        guard let first = words.first else { return [] }
        if words.allSatisfy({ $0.count == first.count }) {
            let places = first.indices.filter { place in words.contains { $0[place] != first[place] } }
            return words.map { words in places.map { words[$0] } }
        }
        let common = words.reduce(Set(first)) { $0.intersection($1) }
        return words.map { $0.filter { !common.contains($0) } }
    }

    /// In lower case, numbers apart from letters and without zeros in front.
    private static func words(_ stem: String) -> [String] {
        var words: [String] = []
        var last: Character?
        for character in stem.lowercased() {
            defer { last = character }
            guard character.isLetter || character.isNumber else { continue }
            if let last, last.isLetter || last.isNumber, last.isNumber == character.isNumber, !words.isEmpty {
                words[words.count - 1].append(character)
            } else {
                words.append(String(character))
            }
        }
        return words.map { word in
            guard word.first?.isNumber == true else { return word }
            let digits = word.drop { $0 == "0" }
            return digits.isEmpty ? "0" : String(digits)
        }
    }
}
