package import SegmentAnything

/// Looks through a support set for what makes adaptations fail or deceive.
package struct SupportLinter: Sendable {
    private let configuration: Configuration
    private let hasSpacing: Bool
    private let labelCount: Int

    // From pictures of the kinds that people send: an unchanged slice beside another of its stack correlates above .99,
    // images of two patients in one position rarely above .9.
    static let nearDuplicate = 0.99
    static let fullShare = 0.98
    static let invertedShare = 0.5
    // In standard deviations of the surroundings: below it the object is not told by its brightness.
    static let clearContrast = 0.5
    static let clearTurn = 0.3
    static let fewestCells = 4.0
    static let thinnestCells = 1.0
    static let fewExamples = 4

    /// - Parameter labelCount: Of the task.
    package init(configuration: Configuration, hasSpacing: Bool, labelCount: Int = 1) {
        self.configuration = configuration
        self.hasSpacing = hasSpacing
        self.labelCount = labelCount
    }

    /// Errors first, then warnings, then what is good to know; each by the order of the examples.
    package func findings(_ examples: [ExampleTraits], patients: PatientGroups) -> [Finding] {
        var findings = examples.enumerated().flatMap { single($1, at: $0) }
        findings += duplicates(examples) + turned(examples) + values(examples) + labels(examples) + grouped(patients)
        // Of those that could not be read more is said already.
        if !examples.isEmpty, examples.count < Self.fewExamples {
            findings.append(
                Finding(examples.count < 2 ? .warning : .info, .fewExamples(count: examples.count), nil))
        }
        if !hasSpacing, !examples.isEmpty { findings.append(Finding(.info, .missingSpacing, nil)) }
        let order: [Finding.Severity] = [.error, .warning, .info]
        return order.flatMap { severity in findings.filter { $0.severity == severity } }
    }

    private func single(_ traits: ExampleTraits, at index: Int) -> [Finding] {
        guard traits.image == traits.mask else {
            return [Finding(.error, .sizeMismatch(image: traits.image, mask: traits.mask), index)]
        }
        // Nothing else that is said of such a pair would help.
        if traits.isSwapped { return [Finding(.error, .swapped, index)] }
        guard traits.markedArea > 0 else { return [Finding(.error, .emptyMask, index)] }
        var findings: [Finding] = []
        if traits.imageValues == 1 { findings.append(Finding(.error, .flatImage, index)) }
        let share = Double(traits.markedArea) / Double(traits.mask.width * traits.mask.height)
        if share > Self.fullShare {
            findings.append(Finding(.warning, .fullMask(share: share), index))
        } else if traits.surrounds, share > Self.invertedShare {
            findings.append(Finding(.warning, .invertedMask(share: share), index))
        }
        let grey = Double(traits.greyArea) / Double(traits.markedArea)
        if traits.shownLabels == nil,
            traits.labelAreas == nil ? grey > MaskSamples.greyShare : traits.isMaskLossy && traits.maskValues > 2
        {
            findings.append(
                Finding(.warning, .greyMask(isLossy: traits.isMaskLossy, greyShare: grey), index))
        }
        let cellsPerPixel = Double(configuration.logitsSide) / Double(max(traits.image.width, traits.image.height))
        // A large label beside it makes a small one no larger.
        return findings
            + traits.sizes.compactMap { size in
                let area = Double(size.area) * cellsPerPixel * cellsPerPixel
                let width = 2 * size.thickness * cellsPerPixel
                guard area < Self.fewestCells || width < Self.thinnestCells else { return nil }
                return Finding(.warning, .tooSmall(areaInCells: area, widthInCells: width, label: size.label), index)
            }
    }

    private func duplicates(_ examples: [ExampleTraits]) -> [Finding] {
        examples.indices.compactMap { later in
            for earlier in 0..<later {
                let (first, second) = (examples[earlier], examples[later])
                if first.imageHash == second.imageHash {
                    let hasSameMask = first.maskHash == second.maskHash
                    return Finding(.warning, .duplicate(of: earlier, hasSameMask: hasSameMask), later)
                }
                let correlation = first.correlation(second)
                if correlation > Self.nearDuplicate, first.image == second.image {
                    return Finding(.warning, .nearDuplicate(of: earlier, correlation: correlation), later)
                }
            }
            return nil
        }
    }

    /// Examples that differ from most others in the brightness of the object, or are turned.
    private func turned(_ examples: [ExampleTraits]) -> [Finding] {
        guard examples.count >= Self.fewExamples else { return [] }
        var findings: [Finding] = []
        let signs = examples.map { traits in
            traits.contrast.flatMap { abs($0) > Self.clearContrast ? ($0 > 0 ? 1 : -1) : nil } ?? 0
        }
        let balance = signs.reduce(0, +)
        if abs(balance) * 2 >= examples.count {
            for (index, sign) in signs.enumerated() where sign * balance < 0 {
                findings.append(Finding(.warning, .polarity(isDarker: sign < 0), index))
            }
        }
        for (index, traits) in examples.enumerated() {
            let others = examples.indices.filter { $0 != index }.map { examples[$0] }
            func agreement(_ turn: ExampleTraits.Turn) -> Double {
                others.reduce(0) { $0 + traits.correlation($1, turn) } / Double(others.count)
            }
            let best = ExampleTraits.Turn.allCases.dropFirst().map(agreement).max() ?? 0
            // The others must agree among themselves, or there is no way to be turned.
            if best > agreement(.none) + Self.clearTurn, best > Self.clearTurn {
                findings.append(Finding(.warning, .orientation, index))
            }
        }
        return findings
    }

    /// Of masks that are label maps.
    private func labels(_ examples: [ExampleTraits]) -> [Finding] {
        let shown = examples.compactMap(\.shownLabels)
        guard !shown.isEmpty else { return [] }
        return (0..<labelCount).compactMap { label in
            let count = shown.count { $0.contains(label) }
            if count == 0 { return Finding(.error, .absentLabel(label), nil) }
            guard count < examples.count else { return nil }
            return count == 1
                ? Finding(.warning, .rareLabel(label, count: count), nil)
                : Finding(.info, .partialLabel(label, count: count, of: examples.count), nil)
        }
    }

    /// Of masks that take whatever is not 0 as the object.
    private func values(_ examples: [ExampleTraits]) -> [Finding] {
        let examples = examples.filter { $0.shownLabels == nil }
        let areas = examples.compactMap(\.labelAreas)
        guard let several = examples.firstIndex(where: { ($0.labelAreas?.count ?? 0) > 1 && !$0.isMaskLossy }) else {
            return []
        }
        let counts = areas.reduce(into: [Int: Int]()) { counts, areas in
            for value in areas.keys { counts[Int(value), default: 0] += 1 }
        }
        let rare = counts.filter { $0.value < 2 && examples.count > 2 }.sorted { $0.key < $1.key }
        return [Finding(.warning, .severalValues(counts.keys.sorted()), several)]
            + rare.map { Finding(.warning, .rareValue($0.key, count: $0.value), nil) }
    }

    private func grouped(_ patients: PatientGroups) -> [Finding] {
        if let name = patients.sharedName { return [Finding(.warning, .onePatient(name: name), nil)] }
        guard patients.source == .stems else { return [] }
        return Dictionary(grouping: patients.groups.indices) { patients.groups[$0] }.sorted { $0.key < $1.key }
            .filter { $0.value.count > 1 }.map { Finding(.info, .samePatient(examples: $0.value), $0.value[0]) }
    }
}
