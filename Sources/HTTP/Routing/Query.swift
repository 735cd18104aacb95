/// A query's names and values, in order: `a=1&b=x%20y`, with `+` for a space.
package struct Query: Sendable, Equatable {
    package struct Item: Sendable, Equatable {
        package let name: String
        package let value: String
    }

    package let items: [Item]

    /// - Parameter text: What follows `?`; may be empty. A name without `=` has an empty value.
    package init(_ text: some StringProtocol) throws(TargetError) {
        var items: [Item] = []
        for pair in text.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            items.append(
                Item(
                    name: try PercentCoding.decode(halves[0], plusIsSpace: true),
                    value: halves.count > 1 ? try PercentCoding.decode(halves[1], plusIsSpace: true) : ""))
        }
        self.items = items
    }

    /// The first value of `name`.
    package subscript(_ name: String) -> String? { items.first { $0.name == name }?.value }

    package func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    package var names: [String] { items.map(\.name) }
}
