internal import ConnectRuntime
internal import SQLite

/// Where the columns of a target table come from in records of one pair of schemas, with the statements that write them: resolved once.
final class SinkLayout {
    enum Origin: Hashable { case key(Int), row(Int), topic, partition, offset }

    struct Column {
        /// As the records name it; ``SinkTarget`` finds the table's own spelling.
        let name: Name
        let origin: Origin
        /// `nil` for a field of a record without schema.
        let schema: Schema?
        let encoding: SqliteParameters.Encoding?

        init(_ name: Name, _ origin: Origin, _ schema: Schema?) {
            self.name = name
            self.origin = origin
            self.schema = schema
            encoding = schema?.parameter(SqliteParameters.encoding).flatMap { SqliteParameters.Encoding(rawValue: $0) }
        }
    }

    let table: Name
    /// The key's columns first, in the key's order.
    let columns: [Column]
    let keyCount: Int
    /// False for records that only delete: no row is known.
    let hasRow: Bool

    enum State {
        case unknown
        /// There is no such table, and only deletions: nothing to do.
        case absent
        case ready(SinkStatements)
        case refused(ConnectError)
    }
    var state = State.unknown

    init(table: Name, key: [Column], row: [Column]?) {
        self.table = table
        columns = key + (row ?? []).filter { column in !key.contains { $0.name == column.name } }
        keyCount = key.count
        hasRow = row != nil
    }

    /// Whether every column of another layout is written by this one too.
    func covers(_ other: SinkLayout) -> Bool {
        self === other || other.columns.allSatisfy { column in columns.contains { $0.name == column.name } }
    }
}

/// Prepared statements of a layout on a table.
final class SinkStatements {
    let write: Statement?
    let delete: Statement?
    let truncate: Statement
    /// Whether changes must be applied one by one in their order: rows depend on each other there.
    let keepsOrder: Bool
    /// Whether a write sets every column of the table.
    let setsAll: Bool

    init(write: Statement?, delete: Statement?, truncate: Statement, keepsOrder: Bool, setsAll: Bool) {
        self.write = write
        self.delete = delete
        self.truncate = truncate
        self.keepsOrder = keepsOrder
        self.setsAll = setsAll
    }
}

/// What one record asks of its table.
struct SinkChange {
    enum Action { case write, delete, truncate }
    /// The record's place in the batch.
    let entry: Int
    let action: Action
    let layout: SinkLayout
    /// Values of the key's columns in the layout's order; empty without key.
    let key: [Value]
    /// The row's values as the record holds them; empty for a deletion.
    let row: [Value]
}
