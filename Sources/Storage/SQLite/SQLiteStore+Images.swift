import GRDB

extension SQLiteStore {
    package func saveImage(_ new: NewImage) throws(StoreError) -> ImageRecord {
        guard NewImage.isWellFormed(id: new.id) else { throw .invalidIdentifier(new.id) }
        let owner = new.owner ?? ""
        if let known = try image(new.id, owner: owner) { return known }
        var file: StoredFile?
        return try writeFiles { (staging) throws(StoreError) in
            file = try staging.stage(new.content, as: "image", in: "images")
        } _: { database, staging in
            // The same image may have arrived twice at once: the first stays, and this one's file goes.
            if let known = try fetchImages(new.id, owner, database).first {
                staging.discard()
                return known
            }
            guard let file else { throw StoreError.missingFile(name: new.id) }
            try database.execute(
                sql: """
                    INSERT INTO images (id, owner, file, bytes, width, height, media_type, created)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    new.id, owner, file.name, file.byteCount, new.width, new.height, new.mediaType,
                    clock.now().milliseconds,
                ])
            guard let record = try fetchImages(new.id, owner, database).first else {
                throw StoreError.unknown(kind: "image", id: new.id)
            }
            return record
        }
    }

    package func image(_ id: String, owner: String?) throws(StoreError) -> ImageRecord? {
        try read { database in try fetchImages(id, owner, database).first }
    }

    package func deleteImage(_ id: String, owner: String?) throws(StoreError) -> [Int] {
        let records: [ImageRecord] = try write { database in
            let records = try fetchImages(id, owner, database)
            try database.execute(
                sql: "DELETE FROM images WHERE id = :id AND (:owner IS NULL OR owner = :owner)",
                arguments: ["id": id, "owner": owner])
            return records
        }
        guard !records.isEmpty else { return [] }
        try onStep(.committed)
        discard(records.map { layout.path($0.file.name) }, in: layout.images)
        forgetLog()
        return records.map(\.file.byteCount)
    }

    /// The copies of `owner`, or of all, oldest first.
    private func fetchImages(_ id: String, _ owner: String?, _ database: Database) throws -> [ImageRecord] {
        try Row.fetchAll(
            database,
            sql: "SELECT * FROM images WHERE id = :id AND (:owner IS NULL OR owner = :owner) ORDER BY created, owner",
            arguments: ["id": id, "owner": owner]
        ).map { row in
            let columns = columns(row)
            return ImageRecord(
                id: try columns.value("id"), file: try columns.file("file", "bytes"),
                width: try columns.value("width"), height: try columns.value("height"),
                mediaType: try columns.value("media_type"), created: try columns.time("created"))
        }
    }
}
