internal import ConnectRuntime

/// Turns records into changes of tables: by schema where there is one, by field names where there is none.
///
/// Layouts are found by the schemas' identity first; equal schemas share one.
final class SinkReader<Statements: SinkStatements> {
    typealias Layout = SinkLayout<Statements>
    typealias Change = SinkChange<Statements>

    private struct Identity: Hashable {
        let table: SinkTable
        let key: ObjectIdentifier?
        let row: ObjectIdentifier?
    }
    private struct Content: Hashable {
        let table: SinkTable
        let key: Schema?
        let keyHasSchema: Bool
        let row: Schema?
        let rowHasSchema: Bool
    }

    private let plan: SinkPlan
    private var byIdentity: [Identity: (layout: Layout, key: Schema?, row: Schema?)] = [:]
    private var byContent: [Content: Layout] = [:]
    private var shapes: [ObjectIdentifier: (shape: SinkRecordShape?, schema: Schema)] = [:]
    private var inferred: [[Name]: Schema] = [:]
    private var tablesOfTopics: [Name: (source: [String?], table: SinkTable)] = [:]
    private let sourceMembers: [Name]
    /// Schemas come and go; what is remembered of them is bounded.
    private let mostRemembered = 1000

    init(_ plan: SinkPlan) {
        self.plan = plan
        sourceMembers = plan.table.sourceMembers
    }

    /// Forgets everything about tables, so that it is looked up anew.
    func forget() {
        for layout in byContent.values { layout.state = .unknown }
    }

    /// What a record asks for; `nil` when it is passed over by a setting.
    /// - Throws: ``ConnectError`` of kind `.data`.
    func change(_ record: Record, entry: Int) throws -> Change? {
        guard !record.value.isNull else { return try deletion(record, entry: entry, before: nil, source: nil) }
        switch record.value {
        case .structure(let value):
            guard let shape = shape(value.schema) else { break }
            guard case .envelope(let before, let after, let op, let source) = shape.form else {
                return try write(record, entry: entry, table: table(record, source: nil), schema: value.schema, values: value.values, hasSchema: true)
            }
            let block: Struct? =
                if let source, case .structure(let block) = value.values[source] { block } else { nil }
            guard case .string(let word) = value.values[op] else { throw unknownOperation("null") }
            switch SinkOperation(op: word) {
            case .write:
                guard case .structure(let row) = value.values[after] else { throw bad("sink.no_row", "a change with op '\(word)' has no row after it") }
                return try write(record, entry: entry, table: table(record, source: block), schema: row.schema, values: row.values, hasSchema: true)
            case .delete:
                var image: Struct?
                if let before, case .structure(let row) = value.values[before] { image = row }
                return try deletion(record, entry: entry, before: image, source: block)
            case .truncate: return try truncation(record, entry: entry, table: table(record, source: block))
            case nil: throw unknownOperation(word)
            }
        case .map(let entries): return try schemaless(record, entry: entry, entries)
        default: break
        }
        throw bad("sink.no_struct", "the value is no struct and no JSON object, so it has no columns")
    }

    // MARK: forms of records

    private func write(_ record: Record, entry: Int, table: SinkTable, schema: Schema, values: [Value], hasSchema: Bool) throws -> Change {
        let (keySchema, keyValues, keyHasSchema) = try key(record, rowSchema: schema, rowValues: values, hasSchema: hasSchema)
        let layout = layout(table, keySchema, keyHasSchema, schema, hasSchema)
        return Change(entry: entry, action: .write, layout: layout, key: keyValues, row: values)
    }

    private func deletion(_ record: Record, entry: Int, before: Struct?, source: Struct?) throws -> Change? {
        guard plan.deletes, plan.keyMode == .recordKey || plan.keyMode == .recordValue else { return nil }
        if plan.keyMode == .recordValue, before == nil {
            // The change that it follows has deleted the row by its image.
            return nil
        }
        let (keySchema, keyValues, keyHasSchema) = try key(record, rowSchema: before?.schema, rowValues: before?.values ?? [], hasSchema: true)
        guard let keySchema else { throw bad("sink.no_key", "a deletion has no key") }
        let layout = layout(try table(record, source: source), keySchema, keyHasSchema, nil, true)
        return Change(entry: entry, action: .delete, layout: layout, key: keyValues, row: [])
    }

    private func truncation(_ record: Record, entry: Int, table: SinkTable) -> Change? {
        guard plan.truncates else { return nil }
        return Change(entry: entry, action: .truncate, layout: layout(table, nil, true, nil, true), key: [], row: [])
    }

    /// JSON without schema: an object whose names are the columns, or an envelope of such objects.
    private func schemaless(_ record: Record, entry: Int, _ entries: [Value.MapEntry]) throws -> Change? {
        func member(_ name: Name) -> Value? {
            entries.last { if case .string(let text) = $0.key { equalBytes(text, name.text) } else { false } }?.value
        }
        guard case .string(let word)? = member(Envelope.op), let after = member(Envelope.after), member(Envelope.before) != nil else {
            let (schema, values) = try inferredRow(entries)
            return try write(record, entry: entry, table: table(record, source: nil), schema: schema, values: values, hasSchema: false)
        }
        var source: Struct?
        if case .map(let block)? = member(Envelope.source) {
            let (schema, values) = try inferredRow(block)
            source = Struct(schema, values)
        }
        switch SinkOperation(op: word) {
        case .write:
            guard case .map(let row) = after else { throw bad("sink.no_row", "a change with op '\(word)' has no row after it") }
            let (schema, values) = try inferredRow(row)
            return try write(record, entry: entry, table: table(record, source: source), schema: schema, values: values, hasSchema: false)
        case .delete:
            var image: Struct?
            if case .map(let row)? = member(Envelope.before) {
                let (schema, values) = try inferredRow(row)
                image = Struct(schema, values)
            }
            return try deletion(record, entry: entry, before: image, source: source)
        case .truncate: return try truncation(record, entry: entry, table: table(record, source: source))
        case nil: throw unknownOperation(word)
        }
    }

    /// A stand-in schema that holds the names alone; types are the target table's business.
    private func inferredRow(_ entries: [Value.MapEntry]) throws -> (Schema, [Value]) {
        var names: [Name] = []
        names.reserveCapacity(entries.count)
        for entry in entries {
            guard case .string(let text) = entry.key else { throw bad("sink.no_struct", "the value is a map whose keys are no text, so it has no columns") }
            names.append(Name(text))
        }
        if let known = inferred[names] { return (known, entries.map(\.value)) }
        if inferred.count >= mostRemembered { inferred = [:] }
        let schema = Schema.structure(nil, fields: names.map { Schema.Field($0, .plain(.string, optional: true)) })
        inferred[names] = schema
        return (schema, entries.map(\.value))
    }

    // MARK: keys

    private func key(_ record: Record, rowSchema: Schema?, rowValues: [Value], hasSchema: Bool) throws -> (schema: Schema?, values: [Value], hasSchema: Bool) {
        switch plan.keyMode {
        case .none: return (nil, [], true)
        case .kafka: return (nil, [], true)
        case .recordValue:
            guard let rowSchema else { throw bad("sink.no_key", "the record has no row to take the key from") }
            return try pick(rowSchema, rowValues, hasSchema, from: "value")
        case .recordKey:
            switch record.key {
            case .structure(let key): return try pick(key.schema, key.values, true, from: "key")
            case .map(let entries):
                let (schema, values) = try inferredRow(entries)
                return try pick(schema, values, false, from: "key")
            case .null:
                throw bad("sink.no_key", "the record has no key, but pk.mode is record_key", "give the source a key (message.key.columns), or set pk.mode=record_value with pk.fields")
            default:
                guard plan.keyFields.count == 1 else {
                    throw bad("sink.key_without_name", "the record's key is a single value without a name", "name its column in pk.fields")
                }
                return (singleKey(record.keySchema), [record.key], record.keySchema != nil)
            }
        }
    }

    private var singleKeys: [ObjectIdentifier: (wrapped: Schema, original: Schema)] = [:]

    private func singleKey(_ schema: Schema?) -> Schema {
        let field = schema ?? .plain(.string, optional: true)
        if let known = singleKeys[ObjectIdentifier(field)] { return known.wrapped }
        if singleKeys.count >= mostRemembered { singleKeys = [:] }
        let wrapped = Schema.structure(nil, fields: [.init(plan.keyFields[0], field)])
        singleKeys[ObjectIdentifier(field)] = (wrapped, field)
        return wrapped
    }

    private var picks: [ObjectIdentifier: (indexes: [Int], picked: Schema, original: Schema)] = [:]

    /// The fields that make up the key: all of them, or those `pk.fields` names.
    private func pick(_ schema: Schema, _ values: [Value], _ hasSchema: Bool, from what: String) throws -> (schema: Schema?, values: [Value], hasSchema: Bool) {
        var picked = (schema, values)
        if !plan.keyFields.isEmpty {
            if picks[ObjectIdentifier(schema)] == nil {
                let indexes = try plan.keyFields.map { name in
                    guard let index = schema.index(of: name) else {
                        throw bad("sink.missing_key_field", "the record's \(what) has no field \(name), which pk.fields names")
                    }
                    return index
                }
                if picks.count >= mostRemembered { picks = [:] }
                picks[ObjectIdentifier(schema)] = (indexes, .structure(nil, fields: indexes.map { schema.fields[$0] }), schema)
            }
            if let known = picks[ObjectIdentifier(schema)] { picked = (known.picked, known.indexes.map { values[$0] }) }
        }
        if let empty = picked.1.firstIndex(where: \.isNull) {
            throw bad("sink.null_key", "field \(picked.0.fields[empty].name) of the record's \(what) is null, so the row has no identity")
        }
        return (picked.0, picked.1, hasSchema)
    }

    // MARK: tables and layouts

    /// The table of the record before, by its topic and what its source block says: mostly this one's too.
    private var lastTable: (topic: Name, source: [String?], table: SinkTable)?

    private func table(_ record: Record, source: Struct?) throws -> SinkTable {
        if let source {
            if let lastTable, lastTable.topic == record.topic, isSame(lastTable.source, source) { return lastTable.table }
            if let known = tablesOfTopics[record.topic], isSame(known.source, source) {
                lastTable = (record.topic, known.source, known.table)
                return known.table
            }
            let members = sourceMembers.map { Self.text(source, $0) }
            let resolved = plan.table.resolve(topic: record.topic) { member in Self.text(source, member) }
            if let resolved {
                if tablesOfTopics.count >= mostRemembered { tablesOfTopics = [:] }
                let table = try checked(resolved)
                tablesOfTopics[record.topic] = (members, table)
                return table
            }
        }
        let byKey = plan.table.resolve(topic: record.topic) { member in record.keySchema.flatMap { SourceTableParameters.member(member, of: $0) } }
        if let byKey { return try checked(byKey) }
        if record.value.isNull, let known = tablesOfTopics[record.topic] { return known.table }
        if plan.fallsBackToTopic { return SinkTable(schema: nil, name: record.topic) }
        throw bad("sink.no_source", "table.name.format is \(plan.table.written), but the record has no source block", "use ${topic}")
    }

    private static func text(_ source: Struct, _ member: Name) -> String? {
        if case .string(let text)? = source.value(of: member) { return text }
        return nil
    }

    /// Where the members that matter stand in the source block of the record before.
    private var lastBlock: (schema: Schema, places: [Int?])?

    private func places(_ schema: Schema) -> [Int?] {
        if let lastBlock, lastBlock.schema === schema { return lastBlock.places }
        let places = sourceMembers.map { schema.index(of: $0) }
        lastBlock = (schema, places)
        return places
    }

    /// Whether a source block says the same of its table as the one that is remembered.
    private func isSame(_ known: [String?], _ source: Struct) -> Bool {
        for (index, place) in places(source.schema).enumerated() {
            guard let one = known[index], let place, case .string(let other) = source.values[place], equalBytes(one, other) else { return false }
        }
        return true
    }

    private func checked(_ resolved: (schema: Name?, table: Name)) throws -> SinkTable {
        if resolved.table.text.isEmpty { throw bad("sink.no_table", "table.name.format gives an empty name for this record") }
        return SinkTable(schema: resolved.schema, name: resolved.table)
    }

    private var lastShape: (shape: SinkRecordShape?, schema: Schema)?

    private func shape(_ schema: Schema) -> SinkRecordShape? {
        if let lastShape, lastShape.schema === schema { return lastShape.shape }
        let shape = knownShape(schema)
        lastShape = (shape, schema)
        return shape
    }

    private func knownShape(_ schema: Schema) -> SinkRecordShape? {
        if let known = shapes[ObjectIdentifier(schema)] { return known.shape }
        if shapes.count >= mostRemembered { shapes = [:] }
        let shape = SinkRecordShape(schema)
        shapes[ObjectIdentifier(schema)] = (shape, schema)
        return shape
    }

    private var lastLayout: (table: SinkTable, key: Schema?, row: Schema?, layout: Layout)?

    private func layout(_ table: SinkTable, _ key: Schema?, _ keyHasSchema: Bool, _ row: Schema?, _ rowHasSchema: Bool) -> Layout {
        if let lastLayout, lastLayout.key === key, lastLayout.row === row, lastLayout.table == table { return lastLayout.layout }
        let layout = knownLayout(table, key, keyHasSchema, row, rowHasSchema)
        lastLayout = (table, key, row, layout)
        return layout
    }

    private func knownLayout(_ table: SinkTable, _ key: Schema?, _ keyHasSchema: Bool, _ row: Schema?, _ rowHasSchema: Bool) -> Layout {
        let identity = Identity(table: table, key: key.map(ObjectIdentifier.init), row: row.map(ObjectIdentifier.init))
        if let known = byIdentity[identity] { return known.layout }
        if byIdentity.count >= mostRemembered || byContent.count >= mostRemembered {
            // Together: what is found by identity must be among those that can be forgotten.
            byIdentity = [:]
            byContent = [:]
        }
        let content = Content(table: table, key: key, keyHasSchema: keyHasSchema, row: row, rowHasSchema: rowHasSchema)
        let layout = byContent[content] ?? make(table, key, keyHasSchema, row, rowHasSchema)
        byContent[content] = layout
        byIdentity[identity] = (layout, key, row)
        return layout
    }

    private func make(_ table: SinkTable, _ key: Schema?, _ keyHasSchema: Bool, _ row: Schema?, _ rowHasSchema: Bool) -> Layout {
        var keyColumns = key?.fields.enumerated().map { SinkColumn($1.name, .key($0), keyHasSchema ? $1.schema : nil) } ?? []
        if plan.keyMode == .kafka, plan.keyFields.count == 3 {
            keyColumns = [
                SinkColumn(plan.keyFields[0], .topic, .plain(.string)), SinkColumn(plan.keyFields[1], .partition, .plain(.int32)),
                SinkColumn(plan.keyFields[2], .offset, .plain(.int64)),
            ]
        }
        let rowColumns = row?.fields.enumerated().filter { plan.fields.isEmpty || plan.fields.contains($1.name) }
            .map { SinkColumn($1.name, .row($0), rowHasSchema ? $1.schema : nil) }
        return Layout(table: table, key: keyColumns, row: rowColumns)
    }

    private func unknownOperation(_ word: String) -> ConnectError { bad("sink.unknown_op", "the change has the op '\(word.prefix(20))', which no table can follow") }

    private func bad(_ code: String, _ message: String, _ suggestion: String? = nil) -> ConnectError {
        ConnectError(.data, code: code, message, suggestion: suggestion)
    }
}
