import Basics
import HTTP
import HTTPTypes
import Imaging
import Server
import Storage

/// `/v1/images`: upload once, name it in any number of segment requests; download, delete.
extension Service {
    func uploadImage(_ context: RequestContext) async throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        let upload = try imageUpload(context)
        // The samples go before the file is stored: of many uploads at once only one then has its own in memory.
        let (raw, hash) = try await imaging.run { [limits = configuration.imageLimits] in
            let raw = try upload.decode(limits: limits)
            return (
                (width: raw.width, height: raw.height, channels: raw.channels, bitDepth: raw.bitDepth),
                PixelHash.of(raw)
            )
        }
        let id = ImageIdentifier.make(hash)
        let isNew = try store.image(id, owner: context.identity.owner) == nil
        let new = NewImage(
            id: id, owner: context.identity.owner, content: upload.stored, width: raw.width, height: raw.height,
            mediaType: try upload.mediaType())
        let record = try await storing.run { [store] in try store.saveImage(new) }
        var fields = HTTPFields()
        fields[.location] = "/v1/images/\(record.id)"
        return .json(
            [
                "id": .string(record.id), "width": .integer(record.width), "height": .integer(record.height),
                "channels": .integer(raw.channels), "bit_depth": .integer(raw.bitDepth),
                "media_type": .string(record.mediaType), "created_at": .string(record.created.rfc3339),
                "pixels_sha256": .string(hash),
            ], isNew ? .created : .ok, fields: fields)
    }

    func downloadImage(_ context: RequestContext) throws -> Response {
        _ = try context.query()
        let image = try requireImage(context)
        guard let type = MediaType(image.mediaType) else { throw StoreError.missingFile(name: image.file.name) }
        _ = try context.negotiate([type])
        // A file's name is never given to other bytes.
        let name = image.file.name.split(separator: "/").last.map(String.init) ?? image.file.name
        return try Download(
            source: .file(path: try store.localPath(image.file)), type: image.mediaType,
            validators: Validators(tag: EntityTag(name), modified: Int(image.created.milliseconds / 1_000))
        ).answer(to: context.request)
    }

    /// Removes the file, its record and every embedding made of its pixels.
    ///
    /// The copy of who asks, where there is one. Those of others are what an admin without a copy means.
    func deleteImage(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        let image = try requireImage(context)
        let own = context.identity.owner ?? ""
        let hasOwn = try store.image(image.id, owner: own) != nil
        let bytes = try remove(image: image.id, owner: hasOwn ? own : context.identity.visibleOwner)
        guard !bytes.isEmpty else { throw Self.unknownImage(image.id) }
        return .json([
            "deleted": .string(image.id), "files": .integer(bytes.count), "bytes": .integer(bytes.reduce(0, +)),
            "deleted_at": .string(configuration.clock.now().rfc3339),
        ])
    }

    /// The image that the path names.
    private func requireImage(_ context: RequestContext) throws -> ImageRecord {
        let id = context.parameters["image"] ?? ""
        guard ImageIdentifier.hash(id) != nil,
            let image = try store.image(id, owner: context.identity.visibleOwner)
        else { throw Self.unknownImage(id) }
        return image
    }

    private static func unknownImage(_ id: String) -> Problem {
        .notFound("image", id, field: "image", hint: "it was deleted, or never uploaded: POST /v1/images gives the id")
    }

    /// The part `image` of a form, or the file as the body itself (`curl --data-binary @scan.png -H 'Content-Type: image/png'`).
    private func imageUpload(_ context: RequestContext) throws(Problem) -> ImageUpload {
        let hint = "send a form, curl -F image=@scan.png, or the file itself as image/png or image/jpeg"
        switch context.request.body {
        case .multipart(let parts):
            guard let part = try Form(parts, single: ["image"])["image"] else {
                throw Problem.missing("image", "the part \"image\" is missing", hint: hint)
            }
            return ImageUpload(part, field: "image")
        case .content(let content) where ["image/png", "image/jpeg"].contains(context.contentType?.essence):
            return ImageUpload(content: content, field: "body", name: "the body")
        case .content, .none:
            throw context.unsupportedMediaType([.multipartFormData, .png, .jpeg], hint: hint)
        }
    }
}

/// `img_` and the hash of the decoded pixels: the same picture has the same id, in whatever file it comes.
enum ImageIdentifier {
    private static let prefix = "img_"

    static func make(_ hash: String) -> String { prefix + hash }

    /// The hash within `id`; nil when `id` is none of ours.
    static func hash(_ id: String) -> String? {
        guard id.hasPrefix(prefix) else { return nil }
        let hash = String(id.dropFirst(prefix.count))
        return hash.utf8.count == 64 && hash == hash.lowercased() && Hex.bytes(hash) != nil ? hash : nil
    }
}
