import API
import ArgumentParser
import Basics
import Client
import Foundation

/// `gmiseg task create`.
struct TaskCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a task from labelled images.",
        discussion: "Prints the task's id on standard output, and nothing else there, so that scripts can keep it.")

    @OptionGroup var options: ServerOptions

    @Option(help: "The task's name.")
    var name: String

    @Option(help: "A folder with images/ and masks/ whose files have the same stems.")
    var support: String?

    @Option(help: "An image; repeat it, once for each --mask.")
    var image: [String] = []

    @Option(help: "A mask; any non-zero pixel marks the object, but with numbered labels a pixel's value is its label.")
    var mask: [String] = []

    @Option(
        help:
            "What the masks outline; for label maps once for each number in them: --label 1=ventricle --label 2=myocardium."
    )
    var label: [String] = []

    @Option(name: .customLong("spacing-mm"), help: "Millimetres a pixel: one number, or x,y.")
    var spacing: String?

    @Option(help: "A model of the server's, by name (default: its first). The task keeps it.")
    var model: String?

    @Option(help: "What is trained: auto (the folds choose), decoder, lora, lora+decoder or pooled.")
    var kind: String?

    @Option(help: "Training steps.")
    var steps: Int?

    @Option(help: "Seed of everything random.")
    var seed: Int?

    @Flag(help: "Wait for the adapter, with a progress bar.")
    var wait = false

    func run() throws {
        let client = try options.client()
        let (images, masks) = try files()
        let form =
            [FormPart("task", text: try task().text())] + images.map { FormPart("image", file: $0) }
            + masks.map { FormPart("mask", file: $0) }
        let answer = try client.post("/v1/tasks", form: form).json()
        print(answer["task"]?["id"]?.stringValue ?? "")
        guard let job = answer["job"]?["id"]?.stringValue else { return }
        if wait {
            try JobFollower(client: client).follow(job)
        } else {
            complain("the adapter is being trained: gmiseg task wait \(answer["task"]?["id"]?.stringValue ?? "")")
        }
    }

    /// The files to send, images first.
    private func files() throws -> (images: [String], masks: [String]) {
        guard let support else {
            guard !image.isEmpty else { throw ValidationError("give --support FOLDER, or --image and --mask files") }
            return (image, mask)
        }
        guard image.isEmpty, mask.isEmpty else {
            throw ValidationError("give --support or --image and --mask, not both")
        }
        return (try Self.pictures(in: "\(support)/images"), try Self.pictures(in: "\(support)/masks"))
    }

    private static func pictures(in folder: String) throws -> [String] {
        guard let found = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw ValidationError(
                "there is no folder \(folder) that can be read: --support takes a folder with images/ and masks/")
        }
        let names = found.filter {
            !isLitter($0) && ["png", "jpg", "jpeg"].contains(URL(filePath: $0).pathExtension.lowercased())
        }
        guard !names.isEmpty else { throw ValidationError("\(folder) has no PNG or JPEG files") }
        return names.sorted().map { "\(folder)/\($0)" }
    }

    /// One name as it is, or a name for each number.
    private func labels() throws -> JSON? {
        let pairs = label.map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        if pairs.allSatisfy({ $0.count == 2 && Int($0[0]) != nil }) {
            return pairs.isEmpty ? nil : .object(pairs.map { .init($0[0], .string($0[1])) })
        }
        guard label.count == 1 else {
            throw ValidationError("give several labels with their numbers, --label 1=ventricle --label 2=myocardium")
        }
        return [.string(label[0])]
    }

    /// The part `task`; what was not said is left to the server.
    private func task() throws -> JSON {
        var members: [JSON.Member] = [.init("name", .string(name))]
        if let labels = try labels() { members.append(.init("labels", labels)) }
        if let spacing {
            let numbers = spacing.split(separator: ",").map { Double($0) }
            guard (1...2).contains(numbers.count), !numbers.contains(nil) else {
                throw ValidationError("--spacing-mm must be one number, or two with a comma between")
            }
            let values = numbers.compactMap(\.self)
            members.append(.init("spacing_mm", .array([values[0], values[values.count - 1]].map(JSON.number))))
        }
        if let model { members.append(.init("model", .string(model))) }
        if let kind { members.append(.init("adapter", ["kind": .string(kind)])) }
        var adaptation: [JSON.Member] = []
        if let steps { adaptation.append(.init("steps", .integer(steps))) }
        if let seed { adaptation.append(.init("seed", .integer(seed))) }
        if !adaptation.isEmpty { members.append(.init("adaptation", .object(adaptation))) }
        return .object(members)
    }
}
