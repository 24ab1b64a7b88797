internal import ConnectRuntime

/// Turns changes and rows of one table into records: schemas made once, values read straight into structs.
final class TableRecords {
    struct Options: Sendable {
        let prefix: String
        let database: String
        let isEnvelope: Bool
        let hasTombstones: Bool
        /// Whether a TRUNCATE becomes a record.
        let emitsTruncates: Bool
        let types: TypeOptions
        /// JDBC's shape: the flat row without a key.
        var hasNoKey = false
    }

    let table: PostgresTable
    let topic: Name
    let partition: SourcePartition
    let key: [String]
    private let options: Options
    private let images: ImageDecoder
    private let keyIndexes: [Int]
    private let keySchema: Schema?
    private let rowSchema: Schema
    private let valueSchema: Schema
    private let sourceTemplate: [Value]

    init(_ table: PostgresTable, key: [String], topic: Name, partition: SourcePartition, options: Options, isRelaxed: Bool = false) {
        self.table = table
        self.topic = topic
        self.partition = partition
        self.key = key
        self.options = options
        images = ImageDecoder(table, key: key, options: options.types, isRelaxed: isRelaxed)
        keyIndexes = key.compactMap { name in table.columns.firstIndex { equalBytes($0.name, name) } }
        let fields = zip(table.columns, images.columnSchemas).map { Schema.Field(Name($0.name), $1) }
        let name = "\(options.prefix).\(table.schema).\(table.name)"
        // The key says whose it is too: a tombstone has nothing else.
        keySchema =
            keyIndexes.isEmpty || options.hasNoKey
            ? nil
            : Schema(
                .structure, name: Name(name + ".Key"),
                parameters: SourceTableParameters.make(database: options.database, schema: table.schema, table: table.name), fields: keyIndexes.map { fields[$0] })
        rowSchema = .structure(Name(options.hasNoKey ? table.name : name + ".Value"), optional: options.isEnvelope, fields: fields)
        valueSchema =
            options.isEnvelope
            ? .structure(
                Name(name + ".Envelope"), version: 1,
                fields: [
                    .init(Envelope.before, rowSchema), .init(Envelope.after, rowSchema), .init(Envelope.source, SourceBlock.schema),
                    .init(Envelope.op, .plain(.string)), .init(Envelope.time, .plain(.int64, optional: true)),
                ]) : rowSchema
        sourceTemplate = SourceBlock.template(prefix: options.prefix, database: options.database, schema: table.schema, table: table.name)
    }

    /// The same table with only its key required, for images that lack columns.
    lazy var relaxed = TableRecords(table, key: key, topic: topic, partition: partition, options: options, isRelaxed: true)

    /// The records of one change; they get no offsets, the caller gives one to the last of the page.
    /// - Throws: ``ImageDecoder/Surprise`` unless tolerant; a fatal ``ConnectError`` for what cannot be delivered.
    func append(_ change: Change, isTolerant: Bool, now: Int64, to batch: inout RecordBatch) throws {
        let before = try change.before.map { try images.decode($0, isTolerant: isTolerant) }
        let after = try change.after.map { try images.decode($0, isTolerant: isTolerant) }
        switch (change.op, before, after) {
        case (UInt8(ascii: "c"), nil, let after?), (UInt8(ascii: "r"), nil, let after?):
            let key = try key(of: after, change)
            append(change, op: change.op == UInt8(ascii: "r") ? "r" : "c", key, nil, after, [], now, &batch)
        case (UInt8(ascii: "u"), let before?, let after?):
            let oldKey = try key(of: before, change), newKey = try key(of: after, change)
            if oldKey == newKey {
                append(change, op: "u", newKey, before, after, [], now, &batch)
            } else {
                append(change, op: "d", oldKey, before, nil, [Header(Envelope.newKeyHeader, schema: keySchema, value: newKey)], now, &batch)
                append(change, op: "c", newKey, nil, after, [Header(Envelope.oldKeyHeader, schema: keySchema, value: oldKey)], now, &batch)
            }
        case (UInt8(ascii: "d"), let before?, nil): append(change, op: "d", try key(of: before, change), before, nil, [], now, &batch)
        case (UInt8(ascii: "t"), nil, nil):
            guard options.emitsTruncates, options.isEnvelope else { return }
            var source = source(change)
            source[SourceBlock.snapshot] = .string("false")
            let value = Struct(valueSchema, [.null, .null, .structure(Struct(SourceBlock.schema, source)), .string("t"), .int64(now)])
            batch.append(
                Record(topic: topic, valueSchema: valueSchema, value: .structure(value), timestamp: change.milliseconds), partition: partition, offset: nil)
        default:
            throw ConnectError(
                .fatal, code: "postgres.source.change_damaged",
                "change \(change.id) of table \(table.display) has op '\(String(decoding: [change.op], as: UTF8.self))' with images that do not go with it",
                suggestion: "somebody wrote into connectd.change: delete that row to go on without it")
        }
    }

    private func append(
        _ change: Change, op: String, _ key: Value, _ before: [Value]?, _ after: [Value]?, _ headers: [Header], _ now: Int64, _ batch: inout RecordBatch
    ) {
        let value: Value
        if options.isEnvelope {
            value = .structure(
                Struct(
                    valueSchema,
                    [
                        before.map { .structure(Struct(rowSchema, $0)) } ?? .null, after.map { .structure(Struct(rowSchema, $0)) } ?? .null,
                        .structure(Struct(SourceBlock.schema, source(change))), .string(op), .int64(now),
                    ]))
        } else if let after {
            value = .structure(Struct(rowSchema, after))
        } else {
            // A deletion's flat form is the tombstone; without a key there is nothing to delete by.
            if keySchema != nil { tombstone(change, key, headers, &batch) }
            return
        }
        batch.append(
            Record(topic: topic, keySchema: keySchema, key: key, valueSchema: valueSchema, value: value, timestamp: change.milliseconds, headers: headers),
            partition: partition, offset: nil)
        if op == "d", options.hasTombstones, keySchema != nil { tombstone(change, key, [], &batch) }
    }

    private func tombstone(_ change: Change, _ key: Value, _ headers: [Header], _ batch: inout RecordBatch) {
        batch.append(Record(topic: topic, keySchema: keySchema, key: key, timestamp: change.milliseconds, headers: headers), partition: partition, offset: nil)
    }

    private func source(_ change: Change) -> [Value] {
        var source = sourceTemplate
        source[SourceBlock.time] = .int64(change.milliseconds)
        if change.op == UInt8(ascii: "r") {
            source[SourceBlock.snapshot] = .string("true")
        } else {
            source[SourceBlock.transaction] = change.xid == 0 ? .null : .int64(Int64(truncatingIfNeeded: change.xid))
            source[SourceBlock.change] = .int64(change.id)
        }
        return source
    }

    private func key(of row: [Value], _ change: Change) throws -> Value {
        guard let keySchema else { return .null }
        let values = keyIndexes.map { row[$0] }
        if let empty = values.firstIndex(where: \.isNull) {
            throw ConnectError(
                .fatal, code: "postgres.source.null_key",
                "table \(table.display) has a row with NULL in its key column \(key[empty])\(change.id > 0 ? " (change \(change.id))" : "")",
                suggestion: "name columns that are never NULL in message.key.columns")
        }
        return .structure(Struct(keySchema, values))
    }
}
