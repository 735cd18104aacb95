import API
import Client
import Foundation
import Imaging
import Testing

/// Answers averaged with those on the mirror image.
@Suite struct FlipTests {
    private static let flips = FormPart("flips", text: "true")

    private static func form(_ image: [UInt8], _ prompts: String, flips: Bool = true) -> [FormPart] {
        [FormPart("image", bytes: image, filename: "scan.png"), FormPart("prompts", text: prompts)]
            + (flips ? [Self.flips] : [])
    }

    private static func mask(_ answer: JSON) throws -> Mask {
        let data = try #require(answer["masks"]?[0]?["png"]?.stringValue.flatMap { Data(base64Encoded: $0) })
        return Mask(try ImageDecoder.decode([UInt8](data)))
    }

    /// Both sides count alike: an image and its mirror image have answers that mirror each other, bit for bit.
    @Test(arguments: [false, true]) func leftAndRightAreAlike(_ hasTask: Bool) async throws {
        try await withLiveServer { server in
            var path = "/v1/segment"
            if hasTask {
                let created = try await server.client.post("/v1/tasks?wait=60", form: Forms.task(steps: 20)).json
                path = "/v1/tasks/\(try #require(created["task"]?["id"]?.stringValue))/segment?adapter=1"
            }
            let disc = TestImages.disc(x: 15, y: 18)
            let image = RGBImage(try ImageDecoder.decode(disc))
            let mirrored = PNG.encode(image.flippedHorizontally())
            let right = image.width - 1
            let pairs = [
                ("{}", "{}"),
                (
                    #"{"boxes": [{"x0": 3, "y0": 6, "x1": 27, "y1": 30}]}"#,
                    "{\"boxes\": [{\"x0\": \(right - 27), \"y0\": 6, \"x1\": \(right - 3), \"y1\": 30}]}"
                ),
                (
                    #"{"points": [{"x": 15, "y": 18, "label": 1}, {"x": 40, "y": 3, "label": 0}]}"#,
                    "{\"points\": [{\"x\": \(right - 15), \"y\": 18, \"label\": 1}, {\"x\": \(right - 40), \"y\": 3, \"label\": 0}]}"
                ),
            ]
            var differs = false
            for (prompts, other) in pairs {
                let answer = try await server.client.post(path, form: Self.form(disc, prompts)).json
                let mirror = try await server.client.post(path, form: Self.form(mirrored, other)).json
                #expect(try Self.mask(answer) == Self.mask(mirror).flippedHorizontally(), "\(prompts)")
                #expect(answer["receipt"]?["request"]?["flips"] == true)
                #expect(answer["methods"]?.stringValue?.contains("mirror image") == true)
                let plain = try await server.client.post(path, form: Self.form(disc, prompts, flips: false)).json
                #expect(plain["receipt"]?["request"]?["flips"] == false)
                if try Self.mask(plain) != Self.mask(answer) { differs = true }
                // The mirror image's embedding is another one in the cache, and is found there again.
                let again = try await server.client.post(path, form: Self.form(disc, prompts)).json
                #expect(again["embedding"] == "cached" && again["masks"] == answer["masks"])
            }
            #expect(differs)
        }
    }

    @Test(arguments: ["multimask", "uncertainty", "instances"]) func onlyOneAnswerIsAveraged(_ other: String)
        async throws
    {
        try await withLiveServer { server in
            let form = Self.form(TestImages.disc(), "{}") + [FormPart(other, text: "true")]
            let response = try await server.client.post("/v1/segment", form: form)
            #expect(response.status == 400)
            #expect(try response.json["field"] == "flips")
            #expect(try response.json["hint"]?.stringValue?.contains(other) == true)
        }
    }
}
