import Adaptation
import Basics
import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct TileTests {
    /// Lines of `thickness` pixels, every `pitch` pixels.
    static func lines(width: Int = 128, height: Int = 112, thickness: Int = 2, pitch: Int = 16) -> Example {
        let marked: [UInt8] = (0..<width * height).map { pixel in
            (pixel % width + pixel / width / 3) % pitch < thickness ? 1 : 0
        }
        return Example(
            image: RGBImage(width: width, height: height, grey: marked.map { 60 + 120 * $0 }),
            mask: Mask(width: width, height: height, pixels: marked))
    }

    // MARK: The rule

    @Test func thinObjectsAreCutAndCompactOnesAreNot() {
        let model = Configuration.tiny
        let thin = [Self.lines().mask, Self.lines(thickness: 3).mask]
        let side = TileRule.side(for: thin, model: model)
        #expect(side.map { $0 < 128 && Tiling(side: $0).count(width: 128, height: 112) > 1 } == true)
        #expect(TileRule.side(for: discs(4, width: 48, height: 40).map(\.mask), model: model) == nil)
        // One odd mask decides nothing.
        let most = discs(4, width: 48, height: 40).map(\.mask)
        #expect(TileRule.side(for: most + [thin[0]], model: model) == nil)
        #expect(TileRule.side(for: [], model: model) == nil)
        // An image smaller than any tile cannot be cut.
        #expect(
            TileRule.side(for: [Self.lines(width: 16, height: 16, thickness: 1, pitch: 4).mask], model: model) == nil)
    }

    /// Every example counts, also one whose drawing is not looked at: too many tiles for it would end the job.
    @Test func aLargeImageAmongManyLimitsTheTiles() {
        let thin = Array(repeating: Self.lines().mask, count: 20)
        let large = Self.lines(width: 900, height: 700).mask
        func count(_ side: Int) -> Int { Tiling(side: side).count(width: 900, height: 700) }
        #expect(TileRule.side(for: thin, model: .tiny).map { count($0) > Tiling.limit } == true)
        #expect(TileRule.side(for: thin + [large], model: .tiny).map { count($0) <= Tiling.limit } ?? true)
    }

    @Test func smallerTilesDrawBetter() {
        let mask = Self.lines().mask
        let dice = [nil, 64, 32, 16].map { side in
            TileRule.drawnDice(mask, tiling: side.map { Tiling(side: $0) }, model: .tiny)
        }
        #expect(dice.first.map { $0 < 0.85 } == true)
        #expect(dice.last.map { $0 > 0.95 } == true)
        #expect(dice == dice.sorted(), "\(dice)")
    }

    // MARK: Views and prompts

    @Test func tileViewsLieInTheImageAndMostShowTheObject() {
        let example = discs(1, width: 160, height: 90)[0]
        let tiling = Tiling(side: 32)
        var shown = 0
        for index in 0..<40 {
            let view = AugmentedView(index: index, example: 3, seed: 5)
            let window = view.tile(tiling, of: view.flipped(example.mask))
            #expect(window.x0 >= 0 && window.y0 >= 0 && window.x1 < 160 && window.y1 < 90)
            #expect(window.width == 32 && window.height == 32)
            #expect(
                window == AugmentedView(index: index, example: 3, seed: 5).tile(tiling, of: view.flipped(example.mask)))
            if !view.flipped(example.mask).cropped(to: window).isEmpty { shown += 1 }
        }
        #expect((28...39).contains(shown), "\(shown) of 40")
        let whole = AugmentedView(index: 0, example: 0, seed: 0).tile(Tiling(side: 200), of: example.mask)
        #expect(whole == PixelBox(x0: 0, y0: 0, x1: 159, y1: 89))
    }

    @Test func promptsOfAPartStayInIt() throws {
        let mask = Self.lines().mask
        let window = PixelBox(x0: 40, y0: 30, x1: 71, y1: 61)
        let simulator = try #require(PromptSimulator(mask: mask.cropped(to: window), origin: (40, 30)))
        var generator = SeededRandom(seed: 1)
        for _ in 0..<50 {
            for kind in PromptKind.allCases {
                let prompt = simulator.prompt(kind, using: &generator)
                for point in prompt.points {
                    #expect((40...71).contains(point.x) && (30...61).contains(point.y))
                    #expect(mask[Int(point.x), Int(point.y)] == point.isForeground)
                }
                guard let box = prompt.box else { continue }
                #expect(box.x0 >= 40 && box.x1 <= 71 && box.y0 >= 30 && box.y1 <= 61)
            }
        }
    }

    // MARK: Training

    private static func settings(_ kind: AdapterKind = .decoder, steps: Int = 8) -> AdaptationSettings {
        var settings = quick(kind, steps: steps)
        settings.tileSide = 48
        return settings
    }

    /// One small disc in a large image: most random tiles do not show it.
    private static let sparse = discs(2, width: 160, height: 140)

    @Test(arguments: [AdapterKind.decoder, .loraDecoder]) func trainingOnTilesCanBeRepeatedAndResumed(
        _ kind: AdapterKind
    ) throws {
        let trainer = try Trainer(model: tinyModel, examples: Self.sparse, settings: Self.settings(kind))
        let first = try trainer.run()
        #expect(first.losses.allSatisfy { $0.isFinite })
        #expect(first.adapter.card.tileSide == 48)
        var middle: TrainerCheckpoint?
        _ = try trainer.run(checkpointEvery: 3, checkpoint: { middle = middle ?? $0 })
        #expect(try trainer.run(resuming: middle).adapter.sha256 == first.adapter.sha256)
        var forgetful = Self.settings(kind)
        forgetful.cacheBytes = 0
        let again = try Trainer(model: tinyModel, examples: Self.sparse, settings: forgetful).run()
        #expect(again.adapter.sha256 == first.adapter.sha256)
        // Whole images teach something else.
        let whole = try Trainer(model: tinyModel, examples: Self.sparse, settings: quick(kind, steps: 8)).run()
        #expect(whole.adapter.sha256 != first.adapter.sha256 && whole.adapter.card.tileSide == nil)
    }

    @Test func theFileSaysHowItsAdapterSeesImages() throws {
        let folder = try TemporaryDirectory()
        for tileSide in [48, nil] {
            var settings = quick(.decoder, steps: 1)
            settings.tileSide = tileSide
            let adapter = try Trainer(model: tinyModel, examples: discs(2), settings: settings).run().adapter
            let path = folder.file("\(tileSide ?? 0).safetensors")
            try adapter.write(to: path)
            #expect(try Adapter.load(path: path, for: tinyModel).card == adapter.card)
            #expect(
                try SafetensorsFile(path: path).metadata.values.contains { $0.contains("tile_side") }
                    == (tileSide != nil))
        }
    }

    @Test func aCardWithImpossibleTilesIsRefused() throws {
        let adapter = try Trainer(model: tinyModel, examples: discs(2), settings: Self.settings(steps: 1)).run().adapter
        let folder = try TemporaryDirectory()
        let path = folder.file("adapter.safetensors")
        try adapter.write(to: path)
        let file = try SafetensorsFile(path: path)
        let forged = file.metadata.mapValues { $0.replacing("\"tile_side\":48", with: "\"tile_side\":3") }
        #expect(forged != file.metadata)
        let other = folder.file("forged.safetensors")
        try Safetensors.write(
            try file.names.sorted().map { (name: $0, tensor: try file.tensor($0)) }, metadata: forged, to: other,
            as: .float32)
        #expect(throws: AdapterError.self) { try Adapter.load(path: other, for: tinyModel) }
    }

    // MARK: A whole fitting

    @Test func aFittingInTilesScoresWhatItServes() throws {
        var recipe = FittingTests.recipe()
        recipe.fixed.formUnion([.tiles, .steps])
        recipe.settings.tileSide = 48
        let examples = discs(3, width: 80, height: 70)
        let fitted = try FittingTests.fitting(examples, recipe: recipe).run(speed: FittingTests.speed)
        let heldOut = try #require(fitted.heldOut)
        #expect(fitted.settings.tileSide == 48 && fitted.trained.adapter.card.tileSide == 48)
        #expect(heldOut.adapted.count == heldOut.base.count)
        #expect(heldOut.influence.allSatisfy { $0 == nil })
        // The base model's are of the whole image, as it is served.
        var plain = recipe
        plain.settings.tileSide = nil
        let untiled = try #require(
            try FittingTests.fitting(examples, recipe: plain).run(speed: FittingTests.speed).heldOut)
        #expect(untiled.base == heldOut.base)
        #expect(untiled.adapted != heldOut.adapted)
    }

    @Test func theRuleDecidesUnlessTheClientDid() throws {
        let examples = (2...4).map { Self.lines(thickness: $0) }
        var recipe = FittingTests.recipe(3)
        recipe.fixed.insert(.steps)
        let chosen = try FittingTests.fitting(examples, recipe: recipe).run(speed: FittingTests.speed)
        #expect(chosen.settings.tileSide == TileRule.side(for: examples.map(\.mask), model: .tiny))
        #expect(chosen.settings.tileSide != nil && chosen.settings.steps == 3)
        recipe.fixed.insert(.tiles)
        let whole = try FittingTests.fitting(examples, recipe: recipe).run(speed: FittingTests.speed)
        #expect(whole.settings.tileSide == nil)
    }

    @Test func tooManyTilesAreRefusedWithWhatIsEnough() throws {
        var recipe = Recipe(fixed: [.tiles])
        recipe.settings.tileSide = 32
        let error = #expect(throws: SettingsError.self) {
            try recipe.checkTiles([Extent(width: 100, height: 90), Extent(width: 900, height: 700)])
        }
        #expect(error?.field == "adaptation.tiles")
        let enough = try #require(
            error?.expectation.split(separator: " ").compactMap { Int($0.filter(\.isNumber)) }.first)
        recipe.settings.tileSide = enough
        try recipe.checkTiles([Extent(width: 900, height: 700)])
        recipe.settings.tileSide = enough - 1
        #expect(throws: SettingsError.self) { try recipe.checkTiles([Extent(width: 900, height: 700)]) }
    }

    /// Their masks are put together in a square of the longer side.
    @Test func longImagesHaveNoTiles() throws {
        var recipe = Recipe(fixed: [.tiles])
        recipe.settings.tileSide = 4_096
        try recipe.checkTiles([Extent(width: 8_192, height: 16)])
        let error = #expect(throws: SettingsError.self) { try recipe.checkTiles([Extent(width: 16, height: 8_193)]) }
        #expect(error?.field == "adaptation.tiles" && error?.expectation.contains("8192") == true)
        // A line a pixel wide, which no cell of the whole image draws.
        func line(_ length: Int) -> Mask {
            Mask(width: length, height: 8, pixels: (0..<8 * length).map { $0 / length == 4 ? 1 : 0 })
        }
        #expect(TileRule.side(for: [line(600)], model: .tiny) != nil)
        #expect(TileRule.side(for: [line(8_193)], model: .tiny) == nil)
    }

    /// A file that says so all the same is none: nobody would know how to answer by it.
    @Test func tilesOfSeveralLabelsAreRefused() throws {
        var recipe = Recipe(fixed: [.tiles]).telling(2)
        try recipe.checkTiles([Extent(width: 100, height: 90)])
        recipe.settings.tileSide = 48
        let error = #expect(throws: SettingsError.self) { try recipe.checkTiles([Extent(width: 100, height: 90)]) }
        #expect(error?.field == "adaptation.tiles")
        try recipe.telling(1).checkTiles([Extent(width: 100, height: 90)])

        let adapter = try Trainer(
            model: tinyModel, examples: discs(2), settings: Self.settings(steps: 1),
            labels: AdapterLabels(names: ["disc", "other"], values: [1, 2])
        ).run().adapter
        let folder = try TemporaryDirectory()
        let path = folder.file("adapter.safetensors")
        try adapter.write(to: path)
        #expect(throws: AdapterError.notAnAdapter(reason: "its card has tiles and several labels")) {
            try Adapter.load(path: path, for: tinyModel)
        }
    }

    /// The rule would cut these for one label.
    @Test func severalThinLabelsAreSeenWhole() throws {
        let examples = (2...4).map { thickness in
            let lines = Self.lines(thickness: thickness)
            let pixels = lines.labels.pixels.enumerated().map { index, mark in
                mark == 0 ? mark : index % 128 < 64 ? 1 : 2
            }
            return Example(
                image: lines.image, labels: LabelImage(width: 128, height: 112, pixels: pixels.map { UInt8($0) }))
        }
        #expect(TileRule.side(for: examples.map(\.mask), model: .tiny) != nil)
        var recipe = FittingTests.recipe(3)
        recipe.fixed.insert(.steps)
        let fitted = try Fitting(
            model: tinyModel, examples: examples,
            patients: PatientGroups(stems: ["a", "b", "c"], given: [nil, nil, nil]),
            recipe: recipe, labels: AdapterLabels(names: ["left", "right"], values: [1, 2])
        ).run(speed: FittingTests.speed)
        #expect(fitted.settings.tileSide == nil && fitted.trained.adapter.card.tileSide == nil)
        #expect(fitted.heldOut?.adapted.contains { $0.label == 1 } == true)
    }

    @Test func noGentlerRateIsTriedInTiles() throws {
        let examples = (2...4).map { Self.lines(thickness: $0) }
        var recipe = FittingTests.recipe(3, fixed: [.kind, .steps])
        let tiled = try FittingTests.fitting(examples, recipe: recipe).run(speed: FittingTests.speed)
        #expect(tiled.settings.tileSide != nil)
        #expect(tiled.tried.map(\.settings.decoderLearningRate) == [0.01])
        recipe.fixed.insert(.tiles)
        let whole = try FittingTests.fitting(examples, recipe: recipe).run(speed: FittingTests.speed)
        #expect(whole.tried.map { $0.settings.decoderLearningRate < 0.01 } == [false, true])
    }

    @Test func theEstimateCountsTheTiles() throws {
        let masks = (0..<4).map { _ in Self.lines().mask }
        let patients = PatientGroups(stems: ["a", "b", "c", "d"], given: [nil, nil, nil, nil])
        func estimate(_ recipe: Recipe) throws -> SpeedProbe.Estimate {
            try FittingTests.speed.estimate(
                recipe, masks: masks, patients: patients, configuration: .tiny,
                trainedNumbers: tinyModel.trainedNumbers)
        }
        let tiled = try estimate(Recipe())
        let whole = try estimate(Recipe(fixed: [.tiles]))
        #expect(tiled.tileSide != nil && tiled.tileCount.map { $0 > 4 } == true)
        #expect(whole.tileSide == nil && whole.tileCount == nil)
        #expect(tiled.seconds > whole.seconds && tiled.bytes > whole.bytes)
    }

    /// A run holds six times what it trains.
    @Test func theEstimateCountsTheRank() throws {
        let masks = [Self.lines().mask]
        func bytes(_ rank: Int) throws -> Int {
            var recipe = Recipe(fixed: [.tiles, .kind])
            (recipe.settings.kind, recipe.settings.rank) = (.lora, rank)
            return try FittingTests.speed.estimate(
                recipe, masks: masks, patients: PatientGroups(stems: ["a"], given: [nil]), configuration: .tiny,
                trainedNumbers: tinyModel.trainedNumbers
            ).bytes
        }
        var settings = Recipe().settings
        (settings.kind, settings.rank) = (.lora, 4)
        let four = tinyModel.trainedNumbers(settings, labelCount: 1)
        #expect(try bytes(16) - bytes(4) == 6 * 4 * 3 * four)
    }
}
