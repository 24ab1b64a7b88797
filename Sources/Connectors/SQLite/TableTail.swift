internal import ConnectRuntime
internal import SQLite

/// One table on its way into its topic: its position, its statements, its pages.
///
/// A position read in a poll is pending until the whole poll has succeeded: records of a failed poll are dropped and read again.
final class TableTail {
    let table: Name
    let partition: SourcePartition
    private(set) var position: SqlitePosition
    private var pending: SqlitePosition
    private let uuid: String
    private let isEvents: Bool
    private let readers: [RowRecords]
    private var pages: [Int: Statement] = [:]
    private var chunkStart: Statement?
    private var chunkNext: Statement?
    /// The order of a backfill: the rowid, which is never NULL as parts of a primary key may be, else the primary key's columns.
    private let walk: [String]
    private let walksRowid: Bool
    private let eventKey: Int
    /// A page gets an offset at least this often, so that the worker can end a transaction inside of it: rows may be large.
    private static let mostUncoveredBytes = 1 << 20

    /// - Parameters:
    ///   - shapes: all the table has had, oldest first; never empty.
    init(
        _ table: Name, topic: Name, shapes: [TableShape], position: SqlitePosition, uuid: String, isEvents: Bool, identity: RowIdentity,
        options: RowRecords.Options
    ) {
        self.table = table
        self.uuid = uuid
        self.isEvents = isEvents
        partition = TableTail.partition(table)
        readers = shapes.map { RowRecords(table, topic: topic, shape: $0, options: options) }
        let newest = shapes[shapes.count - 1]
        let walksRowid = identity.rowid != nil || identity.primaryKey.isEmpty
        self.walksRowid = walksRowid
        walk = walksRowid ? [identity.rowid ?? "rowid"] : identity.primaryKey.map(\.text)
        eventKey = newest.columns.firstIndex { $0.name == identity.primaryKey.first } ?? 0
        var position = position
        // A place in another order says nothing about this one.
        if let place = position.backfill, !place.isEmpty, position.walksRowid != walksRowid || place.count != walk.count { position.backfill = [] }
        position.walksRowid = walksRowid
        self.position = position
        pending = position
    }

    static func partition(_ table: Name) -> SourcePartition { SourcePartition([("table", .string(table.text))]) }

    var isBackfilling: Bool { position.backfill != nil }

    func begin() { pending = position }
    func commit() { position = pending }

    /// Gives the last record appended since `first` the offset that covers them all.
    private func cover(_ batch: inout RecordBatch, from first: Int) {
        guard batch.count > first, let last = batch.entries.last else { return }
        batch.entries[batch.count - 1] = RecordBatch.Entry(
            record: last.record, origin: .source(SourceOrigin(partition: partition, offset: pending.offset(uuid: uuid))))
    }

    /// Reads inside the caller's read transaction: changes first; when none is left in it, a chunk of the backfill.
    /// - Returns: whether there is more to read at once.
    func read(_ database: Database, rows: Int, bytes: Int, now: Int64, into batch: inout RecordBatch) throws -> Bool {
        let first = batch.count
        var rowsLeft = rows, bytesLeft = bytes
        var isAtEnd = false
        while !isAtEnd, rowsLeft > 0, bytesLeft > 0 {
            let index = shapeIndex(of: pending.sequence)
            let reader = readers[index]
            let bound = index + 1 < readers.count ? readers[index + 1].shape.firstSequence : Int64.max
            let read = try page(database, index, reader, bound: bound, rows: rowsLeft, bytes: bytesLeft, now: now, into: &batch)
            rowsLeft -= read
            bytesLeft -= reader.bytes
            if rowsLeft > 0, bytesLeft > 0 {
                if index + 1 < readers.count { pending.sequence = max(pending.sequence, bound - 1) } else { isAtEnd = true }
            }
        }
        if isAtEnd, pending.backfill != nil { try chunk(database, rows: rowsLeft, bytes: bytesLeft, now: now, into: &batch) }
        cover(&batch, from: first)
        return !isAtEnd || pending.backfill != nil
    }

    private func shapeIndex(of sequence: Int64) -> Int {
        var index = readers.count - 1
        while index > 0, readers[index].shape.firstSequence > sequence + 1 { index -= 1 }
        return index
    }

    private func page(
        _ database: Database, _ index: Int, _ reader: RowRecords, bound: Int64, rows: Int, bytes: Int, now: Int64, into batch: inout RecordBatch
    ) throws -> Int {
        let statement: Statement
        if let kept = pages[index] {
            statement = kept
        } else {
            statement = try database.prepare(isEvents ? eventSelect(reader.shape) : ChangeTable.select(table, reader.shape))
            pages[index] = statement
        }
        defer { statement.reset() }
        try statement.bind(pending.sequence, at: 1)
        try statement.bind(Int64(rows), at: 2)
        try statement.bind(bound, at: 3)
        reader.bytes = 0
        var read = 0, covered = 0
        let first = batch.count
        while try statement.step() {
            if isEvents {
                let id = statement.int64(at: Int32(eventKey))
                try reader.existing(statement, op: "c", sequence: id, now: now, partition: partition, into: &batch)
                pending.sequence = id
            } else {
                let change = try reader.change(statement, now: now, partition: partition, into: &batch)
                pending.sequence = change.sequence
                pending.time = change.time
            }
            read += 1
            if reader.bytes - covered >= Self.mostUncoveredBytes {
                cover(&batch, from: first)
                covered = reader.bytes
            }
            if reader.bytes >= bytes { break }
        }
        return read
    }

    private func eventSelect(_ shape: TableShape) throws -> String {
        let columns = try shape.columns.map { try quotedIdentifier($0.name.text) }.joined(separator: ", ")
        let id = try quotedIdentifier(shape.columns[eventKey].name.text)
        return "SELECT \(columns) FROM main.\(try quotedIdentifier(table.text)) WHERE \(id) > ?1 AND \(id) < ?3 ORDER BY \(id) LIMIT ?2"
    }

    /// Rows as of this read transaction: every earlier change was just read, every later one comes after them.
    private func chunk(_ database: Database, rows: Int, bytes: Int, now: Int64, into batch: inout RecordBatch) throws {
        let reader = readers[readers.count - 1]
        let after = pending.backfill ?? []
        let statement = try chunkStatement(database, reader.shape, isFirst: after.isEmpty)
        defer { statement.reset() }
        try statement.bind(Int64(rows) + 1, at: 1)
        for (index, value) in after.enumerated() { try value.bind(statement, at: Int32(index) + 2) }
        reader.bytes = 0
        let width = Int32(reader.shape.columns.count)
        let first = batch.count
        var read = 0, covered = 0
        var last: [SqliteValue] = []
        while try statement.step() {
            try reader.existing(statement, op: "r", sequence: nil, now: now, partition: partition, into: &batch)
            read += 1
            let isLast = read == rows || reader.bytes >= bytes
            if isLast {
                last = try place(statement, at: width)
                // The last row's offset says at once that the backfill is done; else a restart would look for more.
                if try !statement.step() { last = [] }
                break
            }
            if reader.bytes - covered >= Self.mostUncoveredBytes {
                pending.backfill = try place(statement, at: width)
                cover(&batch, from: first)
                covered = reader.bytes
            }
        }
        pending.backfill = last.isEmpty ? nil : last
    }

    /// Where the row stands in the order of the backfill.
    private func place(_ statement: Statement, at first: Int32) throws -> [SqliteValue] {
        try (0..<Int32(walk.count)).map { index in
            guard let value = try SqliteValue.read(statement, at: first + index), value != .null else {
                throw ConnectError(
                    .fatal, code: "sqlite.unreadable_key", "table \(table) has a row whose \(walk[Int(index)]) is NULL or text that is no UTF-8: its rows cannot be read in order",
                    suggestion: "correct that row's key")
            }
            return value
        }
    }

    private func chunkStatement(_ database: Database, _ shape: TableShape, isFirst: Bool) throws -> Statement {
        if let kept = isFirst ? chunkStart : chunkNext { return kept }
        let columns = try shape.columns.map { try quotedIdentifier($0.name.text) }
        // A quoted name that is no column would be taken for a text: the rowid stands bare.
        let keys = walksRowid ? walk : try walk.map { try quotedIdentifier($0) }
        let list = keys.joined(separator: ", ")
        let marks = keys.indices.map { "?\($0 + 2)" }.joined(separator: ", ")
        let condition = isFirst ? "" : " WHERE (\(list)) > (\(marks))"
        let statement = try database.prepare(
            "SELECT \((columns + keys).joined(separator: ", ")) FROM main.\(try quotedIdentifier(table.text))\(condition) ORDER BY \(list) LIMIT ?1")
        if isFirst { chunkStart = statement } else { chunkNext = statement }
        return statement
    }
}
