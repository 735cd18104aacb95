import Imaging
import Posix
import Server
import Storage

/// An image as it was sent, not yet decoded.
struct ImageUpload: Sendable {
    let content: Content
    /// The part or JSON field it came in.
    let field: String
    /// What to call it in a message: its file name, or the field.
    let name: String

    init(content: Content, field: String, name: String) {
        self.content = content
        self.field = field
        self.name = name
    }

    init(_ part: Part, field: String) {
        self.init(content: part.content, field: field, name: part.label)
    }

    /// The samples, decoded once `admit` has taken the size that the file's head tells. Problems name the field and the file.
    func decode<Room>(
        limits: ImageLimits, admitting admit: (_ width: Int, _ height: Int) throws(Problem) -> Room
    ) throws(Problem) -> (image: RawImage, room: Room) {
        let bytes = try content.bytes(field: field, limit: limits.maximumBytes)
        let size = try self.size(of: bytes, limits: limits)
        let room = try admit(size.width, size.height)
        do throws(ImageError) {
            return (try ImageDecoder.decode(bytes, limits: limits), room)
        } catch {
            throw problem(error)
        }
    }

    /// The problem with what does not decode: a file's name in place of the file is told as such.
    private func problem(_ error: ImageError) -> Problem {
        var problem = Problem(error, field: field, name: name)
        if case .unknownFormat = error, content.count <= 256, let bytes = try? content.bytes(),
            let text = String(validating: bytes, as: UTF8.self)?.trimmingWhitespace, text.looksLikeFileName
        {
            problem.hint =
                "Send the bytes of a PNG or JPEG file; with curl, write @ before its name: -F \(field.prefix { $0 != "[" })=@\(text)"
        }
        return problem
    }

    /// Width and height, by the file's head alone.
    func size(limits: ImageLimits) throws(Problem) -> (width: Int, height: Int) {
        try size(of: try content.bytes(field: field, limit: limits.maximumBytes), limits: limits)
    }

    private func size(of bytes: [UInt8], limits: ImageLimits) throws(Problem) -> (width: Int, height: Int) {
        do throws(ImageError) {
            return try bytes.withUnsafeBytes { bytes in
                Result { () throws(ImageError) in try ImageDecoder.size(bytes, limits: limits) }
            }.get()
        } catch {
            throw problem(error)
        }
    }

    /// The samples. Problems name the field and the file.
    func decode(limits: ImageLimits) throws(Problem) -> RawImage {
        do {
            switch content {
            case .memory(let bytes): return try ImageDecoder.decode(bytes, limits: limits)
            case .file(let file): return try ImageDecoder.decode(path: file.path, limits: limits)
            }
        } catch {
            throw problem(error)
        }
    }

    /// The bytes for the store to keep.
    var stored: FileContent {
        switch content {
        case .memory(let bytes): .bytes(bytes)
        case .file(let file): .file(path: file.path)
        }
    }

    /// The media type by the file's first bytes, as the name and the client's header may lie. JPEG starts with FF D8,
    /// everything else that decodes is PNG.
    func mediaType() throws(Problem) -> String {
        let head: [UInt8]
        switch content {
        case .memory(let bytes): head = Array(bytes.prefix(2))
        case .file(let file):
            do { head = try FileSlice(path: file.path).bytes(at: 0, limit: 2) } catch { throw Problem(error) }
        }
        return head == [0xFF, 0xD8] ? "image/jpeg" : "image/png"
    }
}
