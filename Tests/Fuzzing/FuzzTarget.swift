import API
import HTTP
import HTTPTypes
import Imaging

/// What is fed with bytes from strangers. Each states, besides that nothing crashes, something that must hold of any input.
enum FuzzTarget: String, CaseIterable {
    case request, multipart, json, image

    func run(_ bytes: [UInt8]) {
        switch self {
        case .request: Self.request(bytes)
        case .multipart: Self.multipart(bytes)
        case .json: Self.json(bytes)
        case .image: Self.image(bytes)
        }
    }

    // Small, so that limits are met as often as everything else.
    private static let limits: Limits = {
        var limits = Limits()
        limits.headBytes = 512
        limits.targetBytes = 128
        limits.fieldCount = 8
        limits.bodyBytes = 4_096
        limits.parts = 4
        limits.partHeadBytes = 256
        return limits
    }()

    /// How the input is cut makes no difference.
    private static func request(_ bytes: [UInt8]) {
        func parsed(_ pieces: [ArraySlice<UInt8>]) -> [String] {
            var (parser, events, body) = (RequestParser(limits: limits), [String](), [UInt8]())
            do throws(RequestError) {
                for piece in pieces {
                    let piece = Array(piece)
                    var position = 0
                    while let event = try parser.next(piece.span, at: &position) {
                        switch event {
                        case .head(let head):
                            events.append("\(head)")
                            _ = Precondition.evaluate(
                                head.request.method, head.request.headerFields,
                                Validators(tag: EntityTag("a"), modified: 1))
                            _ = ByteRange.requested(
                                .get, head.request.headerFields, Validators(tag: EntityTag("a")), size: 100)
                        case .body(let range): body += piece[range]
                        case .end(let trailers): events.append("\(body) \(trailers)")
                        }
                    }
                }
            } catch {
                events.append("\(error)")
            }
            return events
        }
        guard let first = bytes.first else { return }
        let cut = Int(first) % (bytes.count + 1)
        precondition(parsed([bytes[...]]) == parsed([bytes[..<cut], bytes[cut...]]))
    }

    private struct Sink: MultipartSink {
        var text = ""
        mutating func beginPart(_ head: PartHead) { text += "begin \(head) " }
        mutating func append(_ bytes: Span<UInt8>) {
            for index in 0..<bytes.count { text += "\(bytes[index])," }
        }
        mutating func endPart() { text += "end " }
    }

    private static func multipart(_ bytes: [UInt8]) {
        let type = MediaType("multipart", "form-data", ["boundary": "b"])
        func parsed(_ pieces: [ArraySlice<UInt8>]) -> String {
            guard var parser = try? MultipartParser(type, limits: limits) else { preconditionFailure("boundary") }
            var sink = Sink()
            do {
                for piece in pieces { try parser.parse(Array(piece).span, into: &sink) }
                try parser.finish()
            } catch {
                return "\(error)"
            }
            return sink.text
        }
        guard let first = bytes.first else { return }
        let cut = Int(first) % (bytes.count + 1)
        precondition(parsed([bytes[...]]) == parsed([bytes[..<cut], bytes[cut...]]))
    }

    /// What was read can be written, and reads the same again.
    private static func json(_ bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes) else { return }
        precondition((try? JSONParser.parse(value.encoded())) == value)
    }

    /// What decodes has as many samples as it says.
    private static func image(_ bytes: [UInt8]) {
        var limits = ImageLimits.standard
        limits.maximumPixels = 1 << 16
        guard let image = try? ImageDecoder.decode(bytes, limits: limits) else { return }
        precondition(image.width * image.height <= 1 << 16)
    }
}
