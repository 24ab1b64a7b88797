internal import ConnectRuntime

/// A target's table as records name it.
struct SinkTable: Hashable, CustomStringConvertible {
    /// `nil` where `table.name.format` names none.
    let schema: Name?
    let name: Name

    var description: String { schema.map { "\($0).\(name)" } ?? name.text }
}

/// A column that records write, and where its values stand in them.
struct SinkColumn {
    enum Origin: Hashable { case key(Int), row(Int), topic, partition, offset }

    /// As the records name it; the target may spell it otherwise.
    let name: Name
    let origin: Origin
    /// `nil` for a field of a record without schema.
    let schema: Schema?

    init(_ name: Name, _ origin: Origin, _ schema: Schema?) {
        self.name = name
        self.origin = origin
        self.schema = schema
    }
}

extension SinkColumn.Origin {
    /// A record's value for a column that comes from here.
    @inline(__always)
    func value<Statements>(_ change: SinkChange<Statements>, _ batch: RecordBatch) -> Value {
        switch self {
        case .row(let field): return change.row[field]
        case .key(let field): return change.key[field]
        case .topic, .partition, .offset:
            guard case .log(let place) = batch.entries[change.entry].origin else { return .null }
            switch self {
            case .topic: return .string(place.topicPartition.topic.text)
            case .partition: return .int32(place.topicPartition.partition)
            default: return .int64(place.offset)
            }
        }
    }
}

/// What a target has made ready to write records of one layout.
protocol SinkStatements: AnyObject, SendableMetatype {
    /// Whether changes must be applied one by one in their order: rows depend on each other there.
    var keepsOrder: Bool { get }
    /// Whether a write sets every column of the table.
    var setsAll: Bool { get }
    /// A key in the form in which different ones are different rows to the target.
    func identity(of key: [Value]) -> [Value]
}

extension SinkStatements {
    @inline(__always) func identity(of key: [Value]) -> [Value] { key }
}

/// Where the columns of a target table come from in records of one pair of schemas, with what writes them: resolved once.
final class SinkLayout<Statements: SinkStatements> {
    let table: SinkTable
    /// The key's columns first, in the key's order.
    let columns: [SinkColumn]
    /// The columns' origins once more: nothing to count when one is looked at.
    private let origins: [SinkColumn.Origin]
    let keyCount: Int
    /// False for records that only delete: no row is known.
    let hasRow: Bool

    enum State {
        case unknown
        /// There is no such table, and only deletions: nothing to do.
        case absent
        case ready(Statements)
        case refused(ConnectError)
    }
    var state = State.unknown
    /// Whether earlier records of the topic were written before this task began; set before the layout is prepared.
    var isResumed = false

    /// What to say of a table that is made although it should be there; `nil` for one that is simply new.
    /// - Parameter wasSeen: this task has written to it.
    func madeAgain(in place: String, wasSeen: Bool) -> String? {
        let next = "it holds only what changes from now on; to fill it, stop the connector and reset its offsets"
        if wasSeen { return "table \(table) of \(place) was dropped while the sink wrote to it, and is made anew: \(next)" }
        if isResumed { return "\(place) has no table \(table), though earlier records of its topic were written: it is made, and if it was there before, \(next)" }
        return nil
    }

    init(table: SinkTable, key: [SinkColumn], row: [SinkColumn]?) {
        self.table = table
        columns = key + (row ?? []).filter { column in !key.contains { $0.name == column.name } }
        origins = columns.map(\.origin)
        keyCount = key.count
        hasRow = row != nil
    }

    /// A record's value for the column at an index.
    @inline(__always)
    func value(_ index: Int, _ change: SinkChange<Statements>, _ batch: RecordBatch) -> Value { origins[index].value(change, batch) }

    /// Whether every column of another layout is written by this one too.
    func covers(_ other: SinkLayout) -> Bool {
        self === other || other.columns.allSatisfy { column in columns.contains { $0.name == column.name } }
    }
}

/// What one record asks of its table.
///
/// An object, since it goes through several hands and a copy would count references for each of its arrays.
final class SinkChange<Statements: SinkStatements> {
    enum Action { case write, delete, truncate }
    /// The record's place in the batch.
    let entry: Int
    let action: Action
    let layout: SinkLayout<Statements>
    /// Values of the key's columns in the layout's order; empty without key.
    let key: [Value]
    /// The row's values as the record holds them; empty for a deletion.
    let row: [Value]

    init(entry: Int, action: Action, layout: SinkLayout<Statements>, key: [Value], row: [Value]) {
        self.entry = entry
        self.action = action
        self.layout = layout
        self.key = key
        self.row = row
    }

    /// A change whose table was not looked at must never be passed over in silence (P4).
    var unprepared: ConnectError {
        ConnectError(.fatal, code: "sink.unprepared", "table \(layout.table) was not made ready for its changes", suggestion: "restart the task; report this")
    }
}
