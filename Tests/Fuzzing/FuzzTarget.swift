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
        struct Parsed: Equatable {
            var heads: [RequestHead] = []
            var bodies: [[UInt8]] = [[]]
            var trailers: [HTTPFields] = []
            var error: RequestError?
        }
        func parsed(_ pieces: [ArraySlice<UInt8>]) -> Parsed {
            var (parser, parsed) = (RequestParser(limits: limits), Parsed())
            do throws(RequestError) {
                for piece in pieces {
                    let piece = Array(piece)
                    var position = 0
                    while let event = try parser.next(piece.span, at: &position) {
                        switch event {
                        case .head(let head): parsed.heads.append(head)
                        case .body(let range): parsed.bodies[parsed.bodies.count - 1] += piece[range]
                        case .end(let trailers):
                            parsed.trailers.append(trailers)
                            parsed.bodies.append([])
                        }
                    }
                }
            } catch {
                parsed.error = error
            }
            return parsed
        }
        guard let (first, pieces) = cut(bytes) else { return }
        let whole = parsed([first])
        precondition(whole == parsed(pieces))
        for head in whole.heads { readFields(head.request) }
    }

    /// What is read of a head's fields beyond what every request needs.
    private static func readFields(_ request: HTTPRequest) {
        let validators = Validators(tag: EntityTag("a"), modified: 1)
        _ = Precondition.evaluate(request.method, request.headerFields, validators)
        _ = ByteRange.requested(.get, request.headerFields, validators, size: 100)
        _ = request.headerFields[.contentType].flatMap { MediaType($0) }
        _ = Accept.preferred(request.headerFields[.accept], among: [.multipartFormData])
        _ = try? Query(request.path ?? "")
    }

    private struct Sink: MultipartSink, Equatable {
        var heads: [PartHead] = []
        var contents: [[UInt8]] = []
        var ended = 0
        mutating func beginPart(_ head: PartHead) {
            heads.append(head)
            contents.append([])
        }
        mutating func append(_ bytes: Span<UInt8>) {
            for index in 0..<bytes.count { contents[contents.count - 1].append(bytes[index]) }
        }
        mutating func endPart() { ended += 1 }
    }

    private static func multipart(_ bytes: [UInt8]) {
        struct Parsed: Equatable {
            var sink = Sink()
            var error: MultipartError?
        }
        let type = MediaType("multipart", "form-data", ["boundary": "b"])
        func parsed(_ pieces: [ArraySlice<UInt8>]) -> Parsed {
            guard var parser = try? MultipartParser(type, limits: limits) else { preconditionFailure("boundary") }
            var parsed = Parsed()
            do {
                for piece in pieces { try parser.parse(Array(piece).span, into: &parsed.sink) }
                try parser.finish()
            } catch let error as MultipartError {
                parsed.error = error
            } catch {
                preconditionFailure("the sink throws nothing")
            }
            return parsed
        }
        guard let (whole, pieces) = cut(bytes) else { return }
        precondition(parsed([whole]) == parsed(pieces))
    }

    /// The input after its first byte, and the same in two pieces, where that byte says.
    private static func cut(_ bytes: [UInt8]) -> (whole: ArraySlice<UInt8>, pieces: [ArraySlice<UInt8>])? {
        guard let first = bytes.first else { return nil }
        let whole = bytes.dropFirst()
        let place = whole.startIndex + Int(first) % (whole.count + 1)
        return (whole, [whole[..<place], whole[place...]])
    }

    /// What was read can be written, and reads the same again.
    private static func json(_ bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes) else { return }
        precondition((try? JSONParser.parse(value.encoded())) == value)
    }

    /// What decodes is within the limits. Damaged PNGs are tried with their checksums mended too, or nothing would get behind those.
    private static func image(_ bytes: [UInt8]) {
        var limits = ImageLimits.standard
        limits.maximumPixels = 1 << 12
        for file in [bytes, PNGChecksums.mended(bytes)].compactMap(\.self) {
            guard let image = try? ImageDecoder.decode(file, limits: limits) else { continue }
            precondition(image.width * image.height <= limits.maximumPixels)
        }
    }
}
