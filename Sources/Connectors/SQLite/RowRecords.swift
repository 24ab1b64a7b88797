internal import ConnectRuntime
internal import SQLite

/// Turns rows of one shape into records: schemas made once, values read straight into structs.
final class RowRecords {
    struct Options {
        let prefix: String
        let database: String
        let envelope: Bool
        let tombstones: Bool
        let conflict: TypeConflictPolicy
        let logger: Logger
        /// The JDBC source's shape: the flat row without a key.
        var hasNoKey = false
    }

    let table: Name
    let topic: Name
    let shape: TableShape
    private let options: Options
    private let kinds: [ColumnKind]
    private let names: [String]
    private let keyIndexes: [Int]
    private let keySchema: Schema?
    private let rowSchema: Schema
    private let sourceSchema: Schema
    private let valueSchema: Schema
    private var warned: Set<Int> = []
    /// About how many bytes were read so far, names of columns included; the reader resets it.
    var bytes = 0
    private let bytesOfRow: Int

    init(_ table: Name, topic: Name, shape: TableShape, options: Options) {
        self.table = table
        self.topic = topic
        self.shape = shape
        self.options = options
        keyIndexes = shape.keyIndexes
        names = shape.columns.map(\.name.text)
        bytesOfRow = names.reduce(0) { $0 + $1.utf8.count + 8 }
        kinds = shape.columns.map { column in
            options.conflict == .string && column.keyPosition == 0 ? .any : ColumnKind(declaredType: column.declaredType)
        }
        let fields = zip(shape.columns, kinds).map { column, kind in
            let isRequired = column.keyPosition > 0 || (column.isNotNull && options.conflict != .null)
            return Schema.Field(column.name, kind.schema(declaredType: column.declaredType, optional: !isRequired))
        }
        let name = options.prefix + "." + table.text
        keySchema =
            keyIndexes.isEmpty || options.hasNoKey
            ? nil
            : Schema(
                .structure, name: Name(name + ".Key"),
                parameters: SourceTableParameters.make(database: options.database, schema: "main", table: table.text),
                fields: keyIndexes.map { fields[$0] })
        rowSchema = .structure(Name(options.hasNoKey ? table.text : name + ".Value"), optional: options.envelope, fields: fields)
        sourceSchema = .structure(
            "connectd.sqlite.Source",
            fields: [
                .init("version", .plain(.string)), .init("connector", .plain(.string)), .init("name", .plain(.string)),
                .init("ts_ms", .plain(.int64)), .init("snapshot", .plain(.string, optional: true)), .init("db", .plain(.string)),
                .init("schema", .plain(.string)), .init("table", .plain(.string)), .init("seq", .plain(.int64, optional: true)),
            ])
        valueSchema =
            options.envelope
            ? .structure(
                Name(name + ".Envelope"), version: 1,
                fields: [
                    .init(Envelope.before, rowSchema), .init(Envelope.after, rowSchema), .init(Envelope.source, sourceSchema),
                    .init(Envelope.op, .plain(.string)), .init(Envelope.time, .plain(.int64, optional: true)),
                ]) : rowSchema
    }

    /// The records of one change row: `seq, op, at`, the row before, the row after.
    /// They come without offsets; the caller gives one to the last of a page.
    /// - Returns: the change's number and time.
    func change(
        _ statement: Statement, now: Int64, partition: SourcePartition, into batch: inout RecordBatch
    ) throws -> (sequence: Int64, time: Int64) {
        let sequence = statement.int64(at: 0), at = statement.int64(at: 2)
        let op = try statement.text(at: 1)
        let letter = op.count == 1 ? op[0] : 0
        let width = Int32(kinds.count)
        switch letter {
        case UInt8(ascii: "c"):
            let after = try row(statement, from: 3 + width, sequence)
            append(op: "c", key: try key(after, sequence), before: nil, after: after, sequence, at, now, partition, [], &batch)
        case UInt8(ascii: "u"):
            let before = try row(statement, from: 3, sequence), after = try row(statement, from: 3 + width, sequence)
            append(op: "u", key: try key(after, sequence), before: before, after: after, sequence, at, now, partition, [], &batch)
        case UInt8(ascii: "d"):
            let before = try row(statement, from: 3, sequence)
            let key = try key(before, sequence)
            append(op: "d", key: key, before: before, after: nil, sequence, at, now, partition, [], &batch)
            appendTombstone(key, at, partition, &batch)
        case UInt8(ascii: "k"):
            let before = try row(statement, from: 3, sequence), after = try row(statement, from: 3 + width, sequence)
            let old = try key(before, sequence), new = try key(after, sequence)
            append(
                op: "d", key: old, before: before, after: nil, sequence, at, now, partition,
                [Header(Envelope.newKeyHeader, schema: keySchema, value: new)], &batch)
            appendTombstone(old, at, partition, &batch)
            append(
                op: "c", key: new, before: nil, after: after, sequence, at, now, partition,
                [Header(Envelope.oldKeyHeader, schema: keySchema, value: old)], &batch)
        default:
            throw ConnectError(
                .fatal, code: "sqlite.change_damaged", "change \(sequence) of \(ChangeTable.name(table)) has the unknown op '\(String(decoding: op, as: UTF8.self))'",
                suggestion: "somebody wrote into the change table; delete that row to go on without it")
        }
        return (sequence, at)
    }

    /// The record of a row that is there: a backfill's `r`, or an event's `c`.
    func existing(_ statement: Statement, op: String, sequence: Int64?, now: Int64, partition: SourcePartition, into batch: inout RecordBatch) throws {
        let after = try row(statement, from: 0, sequence)
        append(op: op, key: try key(after, sequence), before: nil, after: after, sequence, now, now, partition, [], &batch)
    }

    private func row(_ statement: Statement, from first: Int32, _ sequence: Int64?) throws -> [Value] {
        var read = bytesOfRow
        defer { bytes += read }
        var values: [Value] = []
        values.reserveCapacity(kinds.count)
        for index in kinds.indices {
            let value = try value(statement, index, from: first, sequence)
            switch value {
            case .string(let text): read += text.utf8.count
            case .bytes(let blob): read += blob.count
            default: break
            }
            values.append(value)
        }
        return values
    }

    @inline(__always)
    private func value(_ statement: Statement, _ index: Int, from first: Int32, _ sequence: Int64?) throws -> Value {
        do {
            return try kinds[index].read(statement, at: first + Int32(truncatingIfNeeded: index), column: names[index])
        } catch let conflict as TypeConflict {
            return try resolve(conflict, index, statement, first, sequence)
        }
    }

    private func resolve(_ conflict: TypeConflict, _ index: Int, _ statement: Statement, _ first: Int32, _ sequence: Int64?) throws -> Value {
        let column = shape.columns[index]
        let what = "column \(conflict.column) of table \(table) is declared \(column.declaredType.isEmpty ? "without a type" : column.declaredType) and should hold \(conflict.expected), but \(place(statement, first, sequence)) holds \(conflict.found)"
        if options.conflict == .null, column.keyPosition == 0 {
            if warned.insert(index).inserted { options.logger.warning(what + ": delivered as null, as type.conflict says; said once per column") }
            return .null
        }
        throw ConnectError(
            .fatal, code: "sqlite.type_conflict", what,
            suggestion: conflict.found.hasSuffix("UTF-8")
                ? "store it as a blob, or set type.conflict=null to deliver null"
                : "correct the row, or set type.conflict=string (all columns as tagged text) or null")
    }

    /// Names a row by its key's text, never by other values.
    private func place(_ statement: Statement, _ first: Int32, _ sequence: Int64?) -> String {
        let key = keyIndexes.map { "\(names[$0]) = \(statement.string(at: first + Int32(truncatingIfNeeded: $0)).prefix(64))" }
        let row = key.isEmpty ? "a row" : "the row with \(key.joined(separator: ", "))"
        return sequence.map { "\(row) (change \($0))" } ?? row
    }

    private func key(_ row: [Value], _ sequence: Int64?) throws -> Value {
        guard let keySchema else { return .null }
        // Most keys are one column, and an array of one is made at once, not grown.
        let values = keyIndexes.count == 1 ? [row[keyIndexes[0]]] : keyIndexes.map { row[$0] }
        if let empty = values.firstIndex(where: \.isNull) {
            throw ConnectError(
                .fatal, code: "sqlite.null_key", "table \(table) has a row with NULL in its key column \(names[keyIndexes[empty]])\(sequence.map { " (change \($0))" } ?? "")",
                suggestion: "SQLite allows this by an old mistake, but such a row has no identity: give it a key, or name other columns in message.key.columns")
        }
        return .structure(Struct(keySchema, values))
    }

    private func append(
        op: String, key: consuming Value, before: consuming [Value]?, after: consuming [Value]?, _ sequence: Int64?, _ at: Int64, _ now: Int64, _ partition: SourcePartition,
        _ headers: [Header], _ batch: inout RecordBatch
    ) {
        let value: Value
        if options.envelope {
            let source: [Value] = [
                .string(ConnectorVersion.text), .string("sqlite"), .string(options.prefix), .int64(at), .string(op == "r" ? "true" : "false"),
                .string(options.database), .string("main"), .string(table.text), sequence.map { .int64($0) } ?? .null,
            ]
            value = .structure(
                Struct(
                    valueSchema,
                    [
                        before.map { .structure(Struct(rowSchema, $0)) } ?? .null, after.map { .structure(Struct(rowSchema, $0)) } ?? .null,
                        .structure(Struct(sourceSchema, source)), .string(op), .int64(now),
                    ]))
        } else if let after {
            value = .structure(Struct(rowSchema, after))
        } else {
            // A deletion's flat form is the tombstone itself.
            if !options.tombstones { appendTombstone(key, at, partition, &batch, headers: headers, always: true) }
            return
        }
        batch.append(
            Record(topic: topic, keySchema: keySchema, key: key, valueSchema: valueSchema, value: value, timestamp: at, headers: headers),
            partition: partition, offset: nil)
    }

    private func appendTombstone(
        _ key: Value, _ at: Int64, _ partition: SourcePartition, _ batch: inout RecordBatch, headers: [Header] = [], always: Bool = false
    ) {
        guard always || options.tombstones, keySchema != nil else { return }
        batch.append(Record(topic: topic, keySchema: keySchema, key: key, timestamp: at, headers: headers), partition: partition, offset: nil)
    }
}
