import API
import Client
import Imaging

/// What the benchmarks ask of a server, on pictures of one size.
struct BenchRequests {
    private let side: Int
    private let image: [UInt8]

    init(side: Int) {
        self.side = side
        image = PNG.encode(BenchImage(side: side).image)
    }

    /// One box on the picture.
    func segment(by client: Client) throws -> JSON {
        try client.post("/v1/segment", form: [FormPart("image", bytes: image, filename: "image.png"), prompts]).json()
    }

    /// Uploads the picture and has it encoded.
    ///
    /// - Returns: A request for one box on it that finds the embedding there.
    func click(by client: Client) throws -> ClientRequest {
        let form = [FormPart("image", bytes: image, filename: "image.png")]
        let id = try client.post("/v1/images", form: form).json()["id"]?.stringValue ?? ""
        let request = try ClientRequest("POST", "/v1/segment", form: [FormPart("image_id", text: id), prompts])
        _ = try client.send(request).json()
        return request
    }

    /// A task of four examples whose job has more work than any benchmark will wait for.
    func createEndlessTask(by client: Client) throws -> String {
        let task: JSON = ["name": "bench", "adaptation": ["steps": 10_000]]
        var form = [FormPart("task", text: task.text())]
        for index in 0..<4 {
            let picture = BenchImage(side: side, shift: (index - 2) * side / 16)
            form.append(FormPart("image", bytes: PNG.encode(picture.image), filename: "\(index).png"))
            form.append(FormPart("mask", bytes: PNG.encode(picture.object), filename: "\(index).png"))
        }
        return try client.post("/v1/tasks", form: form).json()["job"]?["id"]?.stringValue ?? ""
    }

    private var prompts: FormPart {
        let (low, high) = (JSON.integer(side * 28 / 100), JSON.integer(side * 72 / 100))
        let prompts: JSON = ["boxes": [["x0": low, "y0": low, "x1": high, "y1": high]]]
        return FormPart("prompts", text: prompts.text())
    }
}
