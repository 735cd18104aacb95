import ArgumentParser
import Foundation
import Imaging

/// `gmiseg demo`: the main job, end to end, with curl.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Adapt the embedded model to eight examples, and segment four other images.",
        discussion: """
            Starts a server of its own on a free port, runs every step with curl, prints the commands, a table of scores \
            before and after adaptation, and writes overlay pictures.
            """)

    @Option(help: "The folder with task.json, support/ and queries/.")
    var examples = "examples/cardiac"

    @Option(help: "Where the overlay pictures go.")
    var output = "demo-output"

    @Option(help: "The model (environment: GMISEG_MODEL; default: gmiseg-mini).")
    var model: String?

    func run() throws {
        let examples = try DemoExamples(folder: examples)
        // Now, and not when all is measured: the folder may be one that nobody may write into.
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        let truths = try examples.queries.map { Mask(try ImageDecoder.decode(path: $0.mask)) }
        let server = try ServerProcess(model: model)
        defer { server.stop() }
        print("GMISeg listens on \(server.address). The images are generated phantoms, not patients.")

        print("\n1. Define the task by \(examples.support.count) examples.")
        let created = try Curl().json(createCommand(examples, server.address), as: CreatedTask.self)

        print("\n2. Meanwhile the base model answers: segment before the adapter is ready.")
        var scores = DemoScores()
        var sheets = try zip(examples.queries, truths).map { try OverlaySheet(image: $0.image, truth: $1) }
        try segmentAll(
            examples, truths, path: "/v1/segment", tier: .base, server: server.address, into: &scores, &sheets)

        print("\n3. Follow the job.")
        try follow(jobAddress: "\(server.address)/v1/jobs/\(created.job.id)")

        print("\n4. Segment with the task: by its adapter, where that beat the base model on held-out images.")
        try segmentAll(
            examples, truths, path: "/v1/tasks/\(created.task.id)/segment", tier: .adapted, server: server.address,
            into: &scores, &sheets)

        print(
            """

            Mean over \(truths.count) query images that the adapter has not seen, base model → adapted:

            \(scores.table)

            """)
        for (query, sheet) in zip(examples.queries, sheets) {
            try Data(PNG.encode(sheet.picture)).write(to: URL(fileURLWithPath: "\(output)/\(query.stem).png"))
        }
        print("Overlays (green: truth, orange: mask): \(output)/")
    }

    private func createCommand(_ examples: DemoExamples, _ server: String) -> String {
        let files = examples.support.flatMap {
            ["-F \(Curl.part("image", $0.image))", "-F \(Curl.part("mask", $0.mask))"]
        }
        return (["curl -sS --fail-with-body \(server)/v1/tasks -F \(Curl.part("task", examples.taskFile))"] + files)
            .joined(separator: " \\\n    ")
    }

    /// Asks for the job twice a second and draws the bar, until it ends.
    private func follow(jobAddress: String) throws {
        let command = "curl -sS --fail-with-body \(jobAddress)"
        print("\n$ \(command)      # again and again")
        var bar = ProgressBar(label: "adapting")
        while true {
            let job = try Curl().json(command, as: JobStatus.self, shown: false)
            bar.update(fraction: job.progress, note: job.note)
            switch job.state {
            case "succeeded":
                bar.finish()
                return
            case "failed", "cancelled":
                bar.finish()
                throw ValidationError("the job \(job.state): \(job.error?.message ?? "no reason given")")
            default: Thread.sleep(forTimeInterval: 0.5)
            }
        }
    }

    /// Every query by every kind of prompt; the first query's commands are shown.
    private func segmentAll(
        _ examples: DemoExamples, _ truths: [Mask], path: String, tier: DemoScores.Tier, server: String,
        into scores: inout DemoScores, _ sheets: inout [OverlaySheet]
    ) throws {
        let spacing = try examples.spacing()
        for (index, query) in examples.queries.enumerated() {
            for prompt in DemoPrompt.allCases {
                let command =
                    "curl -sS --fail-with-body \(server)\(path) -F \(Curl.part("image", query.image)) "
                    + "-F prompts='\(prompt.json(truths[index]))' -F \(Curl.part("ground_truth", query.mask))"
                    + (tier == .base ? spacing.map { " -F spacing_mm='\($0)'" } ?? "" : "")
                let answer = try Curl().json(command, as: Segmentation.self, shown: index == 0)
                // Where held-out images say that the adapter does not help, the task leaves the prompt to the base model.
                scores.add(answer.score, prompt: prompt, tier: tier)
                sheets[index].add(try answer.mask(), prompt: prompt, tier: tier)
            }
        }
        if examples.queries.count > 1 { print("\n(the same for \(examples.queries.count - 1) more images)") }
    }
}
