internal import ConnectRuntime
internal import SQLite

/// A batch's row without its bytes.
struct BatchRow {
    var baseOffset: Int64, lastOffset: Int64, appendTime: Int64, byteCount: Int64
}

/// The database of a log: the only place that knows its SQL. Belongs to the writer's thread.
///
/// Methods throw ``SQLiteError`` for what SQLite says and ``LogError`` for what the content says.
final class Storage {
    let database: Database
    private let beginStatement: Statement, commitStatement: Statement
    private let putEntry: Statement, removeEntry: Statement, readEntry: Statement, scanEntries: Statement
    private let insertBatch: Statement, batchAtOrBefore: Statement, batchesFrom: Statement
    private let removeBatch: Statement

    init(_ database: Database) throws(SQLiteError) {
        self.database = database
        beginStatement = try database.prepare("BEGIN IMMEDIATE")
        commitStatement = try database.prepare("COMMIT")
        putEntry = try database.prepare(
            "INSERT INTO entries(kind, key, value, checksum) VALUES(?1, ?2, ?3, ?4) "
                + "ON CONFLICT(kind, key) DO UPDATE SET value = excluded.value, checksum = excluded.checksum")
        removeEntry = try database.prepare("DELETE FROM entries WHERE kind = ?1 AND key = ?2")
        readEntry = try database.prepare("SELECT value, checksum FROM entries WHERE kind = ?1 AND key = ?2")
        scanEntries = try database.prepare("SELECT key, value, checksum FROM entries WHERE kind = ?1 AND key >= ?2 ORDER BY key")
        insertBatch = try database.prepare("INSERT INTO batches(id, last, appended, checksum, bytes) VALUES(?1, ?2, ?3, ?4, ?5)")
        batchAtOrBefore = try database.prepare("SELECT id FROM batches WHERE id <= ?1 ORDER BY id DESC LIMIT 1")
        batchesFrom = try database.prepare(
            "SELECT id, last, appended, checksum, bytes FROM batches WHERE id >= ?1 AND id < ?2 ORDER BY id")
        removeBatch = try database.prepare("DELETE FROM batches WHERE id = ?1")
    }

    func begin() throws(SQLiteError) { try beginStatement.run() }
    func commit() throws(SQLiteError) { try commitStatement.run() }
    func rollBack() { database.rollBack() }

    /// Moves the write-ahead log into the database file and cuts it to nothing.
    func checkpoint() throws(SQLiteError) { _ = try database.checkpoint(.truncate) }

    /// Moves the write-ahead log into the database file; its own file is written again from its start.
    func moveWriteAheadLog() throws(SQLiteError) { _ = try database.checkpoint(.restart) }

    // MARK: small rows

    func put(_ kind: Entry.Kind, _ key: [UInt8], _ value: [UInt8]) throws(SQLiteError) {
        try putEntry.bind(kind.rawValue, at: 1)
        try putEntry.bind(blob: key, at: 2)
        try putEntry.bind(blob: value, at: 3)
        try putEntry.bind(Entry.checksum(kind, key, value), at: 4)
        try putEntry.run()
    }

    func remove(_ kind: Entry.Kind, _ key: [UInt8]) throws(SQLiteError) {
        try removeEntry.bind(kind.rawValue, at: 1)
        try removeEntry.bind(blob: key, at: 2)
        try removeEntry.run()
    }

    func value(_ kind: Entry.Kind, _ key: [UInt8]) throws -> [UInt8]? {
        try readEntry.bind(kind.rawValue, at: 1)
        try readEntry.bind(blob: key, at: 2)
        defer { readEntry.reset() }
        guard try readEntry.step() else { return nil }
        let value = try Array(readEntry.blob(at: 0))
        guard readEntry.int64(at: 1) == Entry.checksum(kind, key, value) else { throw Entry.damaged(kind, "does not match its checksum") }
        return value
    }

    /// Walks over the rows of a kind whose keys start with `prefix`, in byte order of the keys.
    func scan(_ kind: Entry.Kind, prefix: [UInt8] = [], _ body: (_ key: [UInt8], _ value: [UInt8]) throws -> Void) throws {
        try scanEntries.bind(kind.rawValue, at: 1)
        try scanEntries.bind(blob: prefix, at: 2)
        defer { scanEntries.reset() }
        while try scanEntries.step() {
            let key = try Array(scanEntries.blob(at: 0))
            guard key.starts(with: prefix) else { return }
            let value = try Array(scanEntries.blob(at: 1))
            guard scanEntries.int64(at: 2) == Entry.checksum(kind, key, value) else { throw Entry.damaged(kind, "does not match its checksum") }
            try body(key, value)
        }
    }

    // MARK: record batches

    func insert(_ batch: StoredBatch, serial: Int64) throws(SQLiteError) {
        try insertBatch.bind(BatchKey.row(serial, batch.baseOffset), at: 1)
        try insertBatch.bind(batch.lastOffset, at: 2)
        try insertBatch.bind(batch.appendTime, at: 3)
        let statement = insertBatch
        try batch.bytes.withUnsafeBufferPointer { (buffer: UnsafeBufferPointer<UInt8>) throws(SQLiteError) in
            let raw = UnsafeRawBufferPointer(buffer)
            let checksum = StoredBatch.checksum(
                serial: serial, baseOffset: batch.baseOffset, lastOffset: batch.lastOffset, appendTime: batch.appendTime, header: raw)
            try statement.bind(checksum, at: 4)
            try statement.bind(borrowedBlob: raw, at: 5)
            defer { statement.clearBindings() }
            try statement.run()
        }
    }

    func removeBatch(serial: Int64, baseOffset: Int64) throws(SQLiteError) {
        try removeBatch.bind(BatchKey.row(serial, baseOffset), at: 1)
        try removeBatch.run()
    }

    /// The base offset of the batch that holds `offset`, or of the last one before it; `nil` when there is none.
    func baseOffset(serial: Int64, atOrBefore offset: Int64) throws(SQLiteError) -> Int64? {
        try batchAtOrBefore.bind(BatchKey.row(serial, offset), at: 1)
        defer { batchAtOrBefore.reset() }
        guard try batchAtOrBefore.step() else { return nil }
        let row = batchAtOrBefore.int64(at: 0)
        return BatchKey.serial(row) == serial ? BatchKey.offset(row) : nil
    }

    /// Walks over a partition's batches from a base offset on until `body` returns false. Rows are checked against their own
    /// checksum; whether they join up is the caller's to see.
    func scanBatches(of partition: PartitionLog, from baseOffset: Int64, _ body: (StoredBatch) throws -> Bool) throws {
        let serial = partition.serial
        try batchesFrom.bind(BatchKey.row(serial, baseOffset), at: 1)
        try batchesFrom.bind(BatchKey.row(serial + 1, 0), at: 2)
        defer { batchesFrom.reset() }
        while try batchesFrom.step() {
            let base = BatchKey.offset(batchesFrom.int64(at: 0))
            let last = batchesFrom.int64(at: 1), appended = batchesFrom.int64(at: 2), checksum = batchesFrom.int64(at: 3)
            let blob = try batchesFrom.blob(at: 4)
            guard checksum == StoredBatch.checksum(serial: serial, baseOffset: base, lastOffset: last, appendTime: appended, header: blob),
                last >= base
            else { throw partition.damaged(at: base, "the batch's row does not match its checksum") }
            let batch = StoredBatch(baseOffset: base, lastOffset: last, appendTime: appended, bytes: Array(blob), isFromMemory: false)
            if try !body(batch) { return }
        }
    }

    /// Walks over what the rows of a partition's batches say, from a base offset on, without reading the batches.
    func scanBatchRows(serial: Int64, from baseOffset: Int64, _ body: (BatchRow) throws -> Bool) throws {
        let statement = try database.prepare(
            "SELECT id, last, appended, length(bytes) FROM batches WHERE id >= ?1 AND id < ?2 ORDER BY id", isKept: false)
        defer { statement.finalize() }
        try statement.bind(BatchKey.row(serial, baseOffset), at: 1)
        try statement.bind(BatchKey.row(serial + 1, 0), at: 2)
        while try statement.step() {
            let row = BatchRow(
                baseOffset: BatchKey.offset(statement.int64(at: 0)), lastOffset: statement.int64(at: 1), appendTime: statement.int64(at: 2),
                byteCount: statement.int64(at: 3))
            if try !body(row) { return }
        }
    }

    /// Removes some batches of partitions that are gone. - Returns: false when none is left.
    func removeGarbage(firstSerial: Int64, count: Int64, limit: Int) throws(SQLiteError) -> Bool {
        let statement = try database.prepare(
            "DELETE FROM batches WHERE id IN (SELECT id FROM batches WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)", isKept: false)
        defer { statement.finalize() }
        try statement.bind(BatchKey.row(firstSerial, 0), at: 1)
        try statement.bind(BatchKey.row(firstSerial + count, 0), at: 2)
        try statement.bind(Int64(limit), at: 3)
        try statement.run()
        return database.changes > 0
    }
}
