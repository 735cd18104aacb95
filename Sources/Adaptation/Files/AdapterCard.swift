package import SegmentAnything

/// What an adapter's labels are called, and the numbers that mark them in a label map.
package struct AdapterLabels: Sendable, Equatable {
    /// Perhaps none, where there is one label that nobody named.
    package let names: [String]
    /// One for each name; nil: there is one label, which any pixel but 0 marks.
    package let values: [Int]?

    /// One label.
    package init(name: String? = nil) {
        names = name.map { [$0] } ?? []
        values = nil
    }

    /// Labels of a label map.
    package init(names: [String], values: [Int]) {
        precondition(names.count == values.count && !names.isEmpty, "one value per name")
        self.names = names
        self.values = values
    }

    package static let unnamed = AdapterLabels()

    package var count: Int { values?.count ?? 1 }
}

extension Adapter {
    /// What an adapter says of itself, kept as JSON in its file's metadata. It holds nothing of the images.
    package struct Card: Codable, Sendable, Equatable {
        /// The layout of the file; this build writes and reads 1.
        package static let currentVersion = 1

        package let formatVersion: Int
        package let kind: AdapterKind
        package let rank: Int
        package let alpha: Float
        /// Adapted encoder blocks, counted from the end; nil for all.
        package let lastBlocks: Int?
        package let baseModel: String
        package let baseSHA256: String
        package let task: String
        package let labels: [String]
        /// What marks each of `labels` in a label map; nil: one label, which any pixel but 0 marks.
        package let labelValues: [Int]?
        package let steps: Int
        package let seed: UInt64
        package let supportCount: Int
        /// Of the tiles that images are answered in, in pixels of the original image; nil: they are answered whole.
        package let tileSide: Int?
        /// Adapters to parts of the support set that this is the mean of; nil: it is one.
        package let members: Int?
        /// Mean training loss of the last ten steps.
        package let finalLoss: Float
        /// The adapter whose tensors the training began with; nil: it began with the base model.
        package let continued: Continued?
        /// What is known of how it was made and how well it does; nil in files that say nothing of it.
        package var notes: Notes?

        /// An adapter that another went on from. `steps` and `supportCount` of that other's card count its own run alone.
        package struct Continued: Codable, Sendable, Equatable {
            package let sha256: String
            /// Of its own run and of those that it continued.
            package let steps: Int
            /// Of its own run.
            package let supportCount: Int

            package init(sha256: String, steps: Int, supportCount: Int) {
                self.sha256 = sha256
                self.steps = steps
                self.supportCount = supportCount
            }

            init(_ adapter: Adapter) {
                // Cards of files from elsewhere count what they like.
                let (sum, isTooMany) = adapter.card.steps.addingReportingOverflow(adapter.card.continued?.steps ?? 0)
                self.init(
                    sha256: adapter.sha256, steps: isTooMany ? .max : sum, supportCount: adapter.card.supportCount)
            }

            var isSound: Bool {
                sha256.utf8.count == 64 && sha256.allSatisfy(\.isHexDigit) && steps >= 0 && supportCount >= 0
            }

            private enum CodingKeys: String, CodingKey {
                case sha256
                case steps
                case supportCount = "support_count"
            }
        }

        package struct Notes: Codable, Sendable, Equatable {
            package let learningRate: Float
            package let decoderLearningRate: Float
            /// Mean held-out Dice by kind of prompt: of the base model, then of the adapter. Empty when nothing was held out.
            package let heldOutDice: [String: [Double]]
            /// Of the pixels of each support image. No pixel can be had from them.
            package let supportSHA256: [String]

            package init(
                learningRate: Float, decoderLearningRate: Float, heldOutDice: [String: [Double]],
                supportSHA256: [String]
            ) {
                self.learningRate = learningRate
                self.decoderLearningRate = decoderLearningRate
                self.heldOutDice = heldOutDice
                self.supportSHA256 = supportSHA256
            }

            private enum CodingKeys: String, CodingKey {
                case learningRate = "learning_rate"
                case decoderLearningRate = "decoder_learning_rate"
                case heldOutDice = "held_out_dice"
                case supportSHA256 = "support_sha256"
            }
        }

        package init(
            formatVersion: Int = currentVersion, kind: AdapterKind, rank: Int, alpha: Float, lastBlocks: Int?,
            baseModel: String, baseSHA256: String, task: String, labels: AdapterLabels, steps: Int, seed: UInt64,
            supportCount: Int, tileSide: Int? = nil, members: Int? = nil, finalLoss: Float, continued: Continued? = nil
        ) {
            self.formatVersion = formatVersion
            self.kind = kind
            self.rank = rank
            self.alpha = alpha
            self.lastBlocks = lastBlocks
            self.baseModel = baseModel
            self.baseSHA256 = baseSHA256
            self.task = task
            self.labels = labels.names
            labelValues = labels.values
            self.steps = steps
            self.seed = seed
            self.supportCount = supportCount
            self.tileSide = tileSide
            self.members = members
            self.finalLoss = finalLoss
            self.continued = continued
        }

        /// Of the mean of so many adapters with this card: their ranks add up.
        func averaged(_ members: Int, supportCount: Int, finalLoss: Float) -> Card {
            let told =
                labelValues.map { AdapterLabels(names: labels, values: $0) } ?? AdapterLabels(name: labels.first)
            return Card(
                kind: kind, rank: rank * members, alpha: alpha, lastBlocks: lastBlocks, baseModel: baseModel,
                baseSHA256: baseSHA256, task: task, labels: told, steps: steps, seed: seed,
                supportCount: supportCount, tileSide: tileSide, members: members, finalLoss: finalLoss,
                continued: continued)
        }

        package var tiling: Tiling? { tileSide.map { Tiling(side: $0) } }

        private static let longestName = 200

        /// Of how many labels it tells; nil when the card contradicts itself.
        package var labelCount: Int? {
            guard let labelValues else { return 1 }
            let isSound =
                labelValues.count == labels.count && (1...LabelImage.labelLimit).contains(labels.count)
                && zip(labelValues, labelValues.dropFirst()).allSatisfy(<)
                && labelValues.allSatisfy { (1...255).contains($0) } && Set(labels).count == labels.count
                && labels.allSatisfy(Self.isName)
            return isSound ? labels.count : nil
        }

        /// Of the one label that any pixel but 0 marks; nil where it has none that a task could bear, or the labels are those of a map.
        package var onlyName: String? { labelValues == nil ? labels.first.flatMap { Self.isName($0) ? $0 : nil } : nil }

        private static func isName(_ text: String) -> Bool {
            text.unicodeScalars.count <= longestName && text.contains { !$0.isWhitespace }
        }

        /// The one field that every version of the card has.
        struct Version: Decodable {
            let formatVersion: Int

            private enum CodingKeys: String, CodingKey {
                case formatVersion = "format_version"
            }
        }

        private enum CodingKeys: String, CodingKey {
            case formatVersion = "format_version"
            case kind
            case rank
            case alpha
            case lastBlocks = "last_blocks"
            case baseModel = "base_model"
            case baseSHA256 = "base_sha256"
            case task
            case labels
            case labelValues = "label_values"
            case steps
            case seed
            case supportCount = "support_count"
            case tileSide = "tile_side"
            case members
            case finalLoss = "final_loss"
            case continued
            case notes
        }
    }
}
