import Basics
import Foundation
import Imaging
import Tensor

/// All datasets below a folder. Every file is read once: what cannot be used is known, with its reason, before anything
/// is computed, so that no draw depends on when a bad file is met.
package struct DatasetScan: Sendable {
    package let datasets: [Dataset]
    package let omissions: [Omission]

    /// - Parameters:
    ///   - folder: Holds the datasets, or is one itself.
    ///   - names: Which datasets; nil for all.
    ///   - instances: Datasets whose masks number objects.
    ///   - progress: Told which dataset is being read.
    package init(
        folder: String, names: [String]? = nil, instances: Set<String> = [], progress: (String) -> Void = { _ in }
    ) throws(EvaluationError) {
        var folders = Self.datasetFolders(folder)
        guard !folders.isEmpty else { throw .noDatasets(path: folder) }
        for name in (names ?? []) + instances.sorted() where !folders.contains(where: { $0.name == name }) {
            throw .unknownDataset(name: name, known: folders.map(\.name))
        }
        if let names { folders.removeAll { !names.contains($0.name) } }
        var (datasets, omissions) = ([Dataset](), [Omission]())
        for (name, path) in folders {
            progress(name)
            let (dataset, left) = Self.read(path, name: name, hasInstances: instances.contains(name))
            datasets.append(dataset)
            omissions += left
        }
        self.datasets = datasets
        self.omissions = omissions
    }

    private static func datasetFolders(_ folder: String) -> [(name: String, path: String)] {
        func isDataset(_ path: String) -> Bool {
            ["images", "masks"].contains { FileManager.default.fileExists(atPath: "\(path)/\($0)") }
        }
        if isDataset(folder) { return [(URL(filePath: folder).standardizedFileURL.lastPathComponent, folder)] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().map { ($0, "\(folder)/\($0)") }.filter { isDataset($0.1) }
    }

    private static func read(_ folder: String, name: String, hasInstances: Bool) -> (Dataset, [Omission]) {
        var (notes, omissions) = DatasetNotes.read(folder, dataset: name)
        func omit(_ what: String, _ reason: String) {
            omissions.append(Omission(dataset: name, what: what, reason: reason))
        }
        let images = pictures("images", in: folder, omit)
        let masks = pictures("masks", in: folder, omit)
        for stem in Set(images.keys).subtracting(masks.keys).sorted() {
            omit(images[stem] ?? stem, "there is no mask with this stem")
        }
        for stem in Set(masks.keys).subtracting(images.keys).sorted() {
            omit(masks[stem] ?? stem, "there is no image with this stem")
        }
        let both = images.compactMap { stem, image in masks[stem].map { (stem: stem, image: image, mask: $0) } }
            .sorted { $0.stem < $1.stem }
        let found = Lock([Result<Dataset.Pair, PairError>?](repeating: nil, count: both.count))
        Threads.forEach(both.count) { index in
            let (stem, image, mask) = both[index]
            let result = Result { () throws(PairError) in
                try PairReader.check(stem: stem, image: image, mask: mask, folder: folder)
            }
            found.withLock { $0[index] = result }
        }
        var pairs: [Dataset.Pair] = []
        for result in found.withLock({ $0 }) {
            switch result {
            case .success(let pair): pairs.append(pair)
            case .failure(let error): omit(error.file, error.reason)
            case nil: preconditionFailure("a pair was not read")
            }
        }
        for stem in notes.spacings.keys.sorted() where images[stem] == nil {
            omit("spacing.json", "it has the spacing of \(stem), and there is no image with this stem")
        }
        let unknown = notes.spacings.isEmpty ? [] : pairs.filter { notes.spacings[$0.stem] == nil }
        if let first = unknown.first {
            omit(
                "spacing.json",
                "it has no spacing of \(unknown.count) of \(pairs.count) images, \(first.stem) the first: no millimetres of these"
            )
        }
        if pairs.isEmpty { omit("the dataset", "it has no usable pair of image and mask") }
        return (Dataset(name: name, pairs: pairs, hasInstances: hasInstances, notes: notes), omissions)
    }

    /// The files of one folder by stem, as paths relative to the dataset.
    private static func pictures(
        _ kind: String, in folder: String, _ omit: (_ what: String, _ reason: String) -> Void
    ) -> [String: String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(kind)") else {
            omit(kind, "there is no such folder")
            return [:]
        }
        var byStem: [String: String] = [:]
        for name in names.sorted() where !isLitter(name) {
            let url = URL(filePath: name)
            guard ["png", "jpg", "jpeg"].contains(url.pathExtension.lowercased()) else {
                omit("\(kind)/\(name)", "it is neither PNG nor JPEG by its name")
                continue
            }
            let stem = url.deletingPathExtension().lastPathComponent
            if let first = byStem[stem] {
                omit("\(kind)/\(name)", "\(first) has the same stem and is used")
            } else {
                byStem[stem] = "\(kind)/\(name)"
            }
        }
        return byStem
    }
}
