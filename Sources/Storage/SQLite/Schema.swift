import GRDB

/// The tables, and how older ones become them. A migration that was released never changes; new ones are appended.
enum Schema {
    /// Marks the file as ours: "GMIS".
    static let applicationID = 0x474D_4953

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 tasks, support, adapters, images, jobs") { database in
            try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            try database.execute(sql: first)
        }
        migrator.registerMigration("held-out scores, patients") { database in
            try database.execute(sql: "ALTER TABLE adapters ADD COLUMN held_out TEXT")
            try database.execute(sql: "ALTER TABLE support ADD COLUMN patient TEXT")
        }
        migrator.registerMigration("owners of images") { database in
            try database.execute(sql: ownersOfImages)
        }
        return migrator
    }

    // Each owner keeps a copy of their own; "" is nobody, on a server without tokens.
    private static let ownersOfImages = """
        CREATE TABLE owned_images (
            id TEXT NOT NULL,
            owner TEXT NOT NULL,
            file TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            media_type TEXT NOT NULL,
            created INTEGER NOT NULL,
            PRIMARY KEY (id, owner)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO owned_images SELECT id, '', file, bytes, width, height, media_type, created FROM images;
        DROP TABLE images;
        ALTER TABLE owned_images RENAME TO images;
        CREATE INDEX tasks_of_owner ON tasks (owner, sequence);
        """

    // Times are milliseconds since 1970; file names are below the data folder; labels, spacing, settings, cards, progress,
    // failures and results are JSON; nothing is kept in `prompts`. `sequence` gives the order of arrival, which clocks do not.
    private static let first = """
        CREATE TABLE tasks (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            owner TEXT,
            name TEXT NOT NULL,
            labels TEXT NOT NULL,
            spacing TEXT,
            model TEXT NOT NULL,
            settings TEXT NOT NULL,
            served_adapter INTEGER,
            next_adapter INTEGER NOT NULL DEFAULT 1,
            created INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE support (
            task TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            stem TEXT NOT NULL,
            image_file TEXT NOT NULL,
            image_bytes INTEGER NOT NULL,
            mask_file TEXT NOT NULL,
            mask_bytes INTEGER NOT NULL,
            image_hash TEXT NOT NULL,
            mask_hash TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            prompts TEXT,
            PRIMARY KEY (task, position)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE adapters (
            task TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
            version INTEGER NOT NULL,
            file TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            card TEXT NOT NULL,
            created INTEGER NOT NULL,
            PRIMARY KEY (task, version)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE images (
            id TEXT PRIMARY KEY NOT NULL,
            file TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            media_type TEXT NOT NULL,
            created INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE jobs (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            task TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            parameters TEXT NOT NULL,
            priority INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
            attempts INTEGER NOT NULL DEFAULT 0,
            cancel_requested INTEGER NOT NULL DEFAULT 0,
            progress TEXT NOT NULL,
            failure TEXT,
            result TEXT,
            checkpoint_file TEXT,
            checkpoint_bytes INTEGER,
            created INTEGER NOT NULL,
            started INTEGER,
            finished INTEGER,
            revision INTEGER NOT NULL DEFAULT 1
        ) STRICT;
        CREATE INDEX jobs_waiting ON jobs (state, priority DESC, sequence);
        CREATE INDEX jobs_of_task ON jobs (task, sequence);
        """
}
