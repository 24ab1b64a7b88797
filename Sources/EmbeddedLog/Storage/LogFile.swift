internal import ConnectRuntime
internal import Glibc
internal import SQLite

/// Makes and opens the database file: everything about it that happens before the first record is read or appended (D3).
enum LogFile {
    static let pageSize: Int64 = 32_768
    /// Marks the file as ours: "CNTD".
    static let applicationID: Int64 = 0x434E_5444
    static let formatVersion: Int64 = 1

    private static let tables = [
        "CREATE TABLE entries(kind INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID",
        "CREATE TABLE batches(id INTEGER PRIMARY KEY, last INTEGER NOT NULL, appended INTEGER NOT NULL, checksum INTEGER NOT NULL, bytes BLOB NOT NULL)",
    ]

    struct Opened {
        var storage: Storage
        var marker: MarkerFile
        var state: StateRow
        var ahead: CheckpointAhead
    }

    static func open(_ folder: DataFolder, _ options: EmbeddedLogOptions) throws -> Opened {
        let hasMarker = DataFolder.size(folder.marker) != nil
        switch (DataFolder.size(folder.database), hasMarker) {
        case (nil, true): throw lost("is missing beside its marker file", folder)
        case (.some(0), _): throw lost("is empty", folder)
        case (nil, false):
            guard options.mayCreate else {
                throw LogError(.invalid, "the folder \(folder.path) holds no topics", suggestion: "name the folder a worker was started with (--data-dir)")
            }
            if DataFolder.size(folder.writeAheadLog) != nil { throw lost("is missing beside its write-ahead log", folder) }
            try create(folder)
        case (.some, _): break
        }
        return try openExisting(folder, options, hasMarker: hasMarker)
    }

    private static func lost(_ what: String, _ folder: DataFolder) -> LogError {
        LogError(.damaged, "\(folder.database) \(what)", suggestion: "restore the data folder from a copy, or name a new folder to start anew")
    }

    /// Makes the file under another name and renames it, so that a file of its real name is always whole.
    private static func create(_ folder: DataFolder) throws {
        let path = folder.newDatabase
        for leftover in [path, path + "-journal", path + "-wal"] { unlink(leftover) }
        let database = try Database(path: path, mode: .create)
        chmod(path, 0o600)
        // Nobody sees this file before it is renamed, and a leftover is removed: no journal and no sync are needed but the one at the end.
        try database.execute("PRAGMA page_size = \(pageSize); PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")
        let state = StateRow(logID: TopicID.random().bytes)
        try database.transaction(.immediate) {
            try database.execute("PRAGMA application_id = \(applicationID); PRAGMA user_version = \(formatVersion); " + tables.joined(separator: "; "))
            try Storage(database).put(.state, StateRow.key, state.value)
        }
        guard try database.text("PRAGMA journal_mode = WAL") == "wal" else {
            throw LogError(.fatal, "\(path): SQLite cannot keep a write-ahead log in this folder", suggestion: "use a local file system")
        }
        database.close()
        try folder.synchronize(file: path)
        guard rename(path, folder.database) == 0 else {
            throw LogError(.fatal, "\(folder.database) cannot be made: \(systemMessage(errno))")
        }
        try folder.synchronize()
    }

    private static func openExisting(_ folder: DataFolder, _ options: EmbeddedLogOptions, hasMarker: Bool) throws -> Opened {
        let database = try Database(path: folder.database, mode: .readWrite, isObservable: true)
        let ahead = CheckpointAhead(pageBytes: Int(pageSize), synchronizing: options.synchronizing)
        guard database.observe(ahead) else { throw LogError(.fatal, "SQLite does not let its files be observed") }
        var isGood = false
        // Until everything was checked nothing may change: a refused folder stays as it was found, for whoever repairs it.
        defer { if !isGood { database.close() } }
        try database.setNoCheckpointOnClose(true)
        // Commits are synced by CommitSync, beside the writer; a checkpoint syncs by itself whatever it relies on.
        try database.execute(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF; "
                + "PRAGMA cell_size_check = ON; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0")
        guard try database.integer("PRAGMA application_id") == applicationID else {
            throw LogError(.damaged, "\(folder.database) is not a log of connectd, or its header is damaged", suggestion: "name another data folder, or restore this one from a copy")
        }
        let version = try database.integer("PRAGMA user_version") ?? 0
        guard version == formatVersion else {
            throw LogError(.damaged, "\(folder.database) has format \(version), this program knows \(formatVersion), or its header is damaged", suggestion: "use the program that made the log")
        }
        guard try database.integer("PRAGMA page_size") == pageSize, try database.text("PRAGMA journal_mode") == "wal", try schema(database) == tables else {
            throw lost("is damaged: its header or its tables are not what they must be", folder)
        }
        if let maximumPageCount = options.maximumPageCount { _ = try database.integer("PRAGMA max_page_count = \(maximumPageCount)") }
        let storage = try Storage(database)
        guard let value = try storage.value(.state, StateRow.key), let state = StateRow(value: value) else {
            throw lost("is damaged: the row that counts its commits is missing", folder)
        }
        let marker = try marker(folder, state, hasMarker: hasMarker)
        try storage.checkpoint()
        guard try database.text("PRAGMA quick_check(entries)") == "ok" else { throw lost("is damaged: the index of its small rows is inconsistent", folder) }
        // Not by the folder's names: where the database is a symbolic link, its log is beside what the link leads to.
        guard let files = database.files else { throw LogError(.fatal, "SQLite does not say where \(folder.database) is") }
        try ahead.open(database: files.database, writeAheadLog: files.writeAheadLog)
        isGood = true
        return Opened(storage: storage, marker: marker, state: state, ahead: ahead)
    }

    private static func schema(_ database: Database) throws(SQLiteError) -> [String] {
        let statement = try database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid", isKept: false)
        defer { statement.finalize() }
        var found: [String] = []
        while try statement.step() { found.append(statement.string(at: 0)) }
        return found
    }

    private static func marker(_ folder: DataFolder, _ state: StateRow, hasMarker: Bool) throws(LogError) -> MarkerFile {
        // An empty one is one that was being made: it is overwritten in place and never cut short.
        let isMade = hasMarker && !(state.commits == 0 && DataFolder.size(folder.marker) == 0)
        guard isMade else {
            // The first opening made the database and was killed before the marker: nothing was ever committed.
            guard state.commits == 0 else {
                throw LogError(
                    .damaged, "\(folder.marker) is missing: it cannot be told any more whether the log is complete",
                    suggestion: "restore the data folder from a copy")
            }
            let file = try MarkerFile.create(folder.marker, MarkerFile.Content(logID: state.logID, commits: 0))
            try folder.synchronize()
            return file
        }
        let (file, content) = try MarkerFile.open(folder.marker)
        guard content.logID == state.logID else {
            throw LogError(.damaged, "\(folder.marker) belongs to another log than \(folder.database)", suggestion: "restore the data folder from a copy, both files together")
        }
        guard state.commits >= content.commits else {
            throw LogError(
                .damaged,
                "\(folder.database) has lost commits: it holds \(state.commits) of \(content.commits); the file or its write-ahead log is damaged or was cut short",
                suggestion: "restore the data folder from a copy")
        }
        return file
    }
}
