import GRDB

extension SQLiteStore {
    package func saveImage(_ new: NewImage) throws(StoreError) -> ImageRecord {
        guard NewImage.isWellFormed(id: new.id) else { throw .invalidIdentifier(new.id) }
        if let known = try image(new.id) { return known }
        var file: StoredFile?
        return try writeFiles { (staging) throws(StoreError) in
            file = try staging.stage(new.content, as: "image", in: "images")
        } _: { database, staging in
            // The same image may have arrived twice at once: the first stays, and this one's file goes.
            if let known = try fetchImage(new.id, database) {
                staging.discard()
                return known
            }
            guard let file else { throw StoreError.missingFile(name: new.id) }
            try database.execute(
                sql: "INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    new.id, file.name, file.byteCount, new.width, new.height, new.mediaType, clock.now().milliseconds,
                ])
            guard let record = try fetchImage(new.id, database) else {
                throw StoreError.unknown(kind: "image", id: new.id)
            }
            return record
        }
    }

    package func image(_ id: String) throws(StoreError) -> ImageRecord? {
        try read { database in try fetchImage(id, database) }
    }

    package func deleteImage(_ id: String) throws(StoreError) -> Bool {
        let record: ImageRecord? = try write { database in
            let record = try fetchImage(id, database)
            try database.execute(sql: "DELETE FROM images WHERE id = ?", arguments: [id])
            return record
        }
        guard let record else { return false }
        try onStep(.committed)
        try Files.remove(layout.path(record.file.name))
        try Files.sync(layout.images)
        forgetLog()
        return true
    }

    private func fetchImage(_ id: String, _ database: Database) throws -> ImageRecord? {
        try Row.fetchOne(database, sql: "SELECT * FROM images WHERE id = ?", arguments: [id]).map { row in
            let columns = columns(row)
            return ImageRecord(
                id: try columns.value("id"), file: try columns.file("file", "bytes"),
                width: try columns.value("width"), height: try columns.value("height"),
                mediaType: try columns.value("media_type"), created: try columns.time("created"))
        }
    }
}
