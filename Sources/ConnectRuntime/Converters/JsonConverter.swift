import Glibc

/// Connect's `JsonConverter`: the default for keys and values.
///
/// With schemas on, a record carries its schema as Connect's does, `{"schema":…,"payload":…}`; where the log keeps schemas
/// (``ConverterContext/schemas``), the bytes are the plain payload and a header names the schema (D14).
public final class JsonConverter: Converter {
    private var schemasEnabled = true
    /// Whether someone wrote `schemas.enable=true`: then plain JSON without a schema is Connect's error.
    private var requiresEnvelope = false
    private var context = ConverterContext(role: .value)
    /// Whether the log keeps schemas. Noted, because both threads of a task that ask would count up and down the references to the same object.
    private var keepsSchemas = false
    private var cache = JSONPlanCache(limit: 1000, replacesNull: true, decimals: .base64)
    private var encoder = JSONValueWriter(decimals: .base64)
    private let decoder = JSONValueReader()
    /// The memory that values are written in. Behind a pointer, because each change of an object's variable is checked at run time.
    private let writer: UnsafeMutablePointer<JSONWriter>
    /// The schema written last, and its plan: records of one topic follow each other.
    private var lastSchema: Schema?
    private var lastPlan: JSONPlan?
    /// Compared in the schema's place: two threads that read it would count up and down the references to the same object.
    private var lastIdentity: ObjectIdentifier?
    /// `schema.content`: the schema of every value read.
    private var fixed: JSONPlan?
    /// How the envelope read last began, up to its payload: records of one topic begin alike, and comparing is cheaper than reading.
    private var lastStart: (bytes: [UInt8], plan: JSONPlan)?
    /// Whether the last plan's schema was announced.
    private var isAnnounced = false

    public init() {
        writer = .allocate(capacity: 1)
        writer.initialize(to: JSONWriter())
    }

    deinit {
        writer.deinitialize(count: 1)
        writer.deallocate()
    }

    public func configure(_ config: Config, context: ConverterContext) throws {
        self.context = context
        keepsSchemas = context.schemas != nil
        schemasEnabled = try config.value(JsonConverterSettings.schemasEnable)
        requiresEnvelope = schemasEnabled && config.map.text(JsonConverterSettings.schemasEnable.name) != nil
        let decimals: DecimalFormat =
            config.map.text(JsonConverterSettings.decimalFormat.name) == nil && context.schemas != nil
            ? .numeric : try config.value(JsonConverterSettings.decimalFormat)
        encoder = JSONValueWriter(decimals: decimals)
        cache = JSONPlanCache(
            limit: try config.value(JsonConverterSettings.cacheSize),
            replacesNull: try config.value(JsonConverterSettings.replaceNullWithDefault), decimals: decimals)
        isAnnounced = false
        lastSchema = nil
        lastIdentity = nil
        lastPlan = nil
        lastStart = nil
        fixed = nil
        if let content = try config.value(JsonConverterSettings.schemaContent), !content.isEmpty {
            guard schemasEnabled else {
                throw ConnectError(
                    .configuration, code: "config.invalid_value", "schema.content has no effect with schemas.enable=false",
                    suggestion: "remove schema.content, or set schemas.enable=true")
            }
            do {
                fixed = try cache.plan(for: try SchemaJSON.parse(Array(content.utf8)))
            } catch {
                throw ConnectError(
                    .configuration, code: "config.invalid_value", "schema.content is no schema: \(ConnectError(error).message)")
            }
        }
    }

    private var plainCheck = PlainJSONCheck()

    /// Whether a value's bytes are what ``PlainText`` would write for it, so that a sink that writes just that needs no value: see ``PlainJSONCheck``.
    package func isPlainJSON(_ bytes: ByteSlice, headers: [RawHeader]) -> Bool {
        // A schema gives values other types. The check itself passes over whatever may be an envelope.
        if schemasEnabled, requiresEnvelope || fixed != nil || headers.contains(where: { $0.name == context.schemaHeader }) { return false }
        return bytes.withUnsafeBytes { plainCheck.isPlainObject($0) }
    }

    // MARK: Writing

    public func serialize(topic: Name, headers: inout [RawHeader], schema: Schema?, value: Value, into buffer: inout ByteBuffer) throws -> Bool {
        writer.pointee.removeAll()
        let hasValue = try write(schema, value, &headers, into: &writer.pointee)
        if hasValue { buffer.append(writer.pointee.bytes) }
        return hasValue
    }

    private func write(_ schema: Schema?, _ value: Value, _ headers: inout [RawHeader], into writer: inout JSONWriter) throws -> Bool {
        // Not unwrapped here: that would be a reference of its own.
        if let lastPlan, lastIdentity == schema.map({ ObjectIdentifier($0) }) {
            try write(value, lastPlan, &headers, into: &writer)
            return true
        }
        guard let schema else { return try write(schemaless: value, into: &writer) }
        let plan = try cache.plan(for: schema)
        lastSchema = schema
        lastIdentity = ObjectIdentifier(schema)
        lastPlan = plan
        isAnnounced = false
        try write(value, plan, &headers, into: &writer)
        return true
    }

    private func write(schemaless value: Value, into writer: inout JSONWriter) throws -> Bool {
        if value.isNull { return false }
        // Text that would be read back as an envelope goes into one.
        let inEnvelope = schemasEnabled && (!keepsSchemas || requiresEnvelope || JsonConverter.looksLikeEnvelope(value))
        if inEnvelope { writer.literal("{\"schema\":null,\"payload\":") }
        try PlainJSON.write(value, decimals: encoder.decimals, into: &writer)
        if inEnvelope { writer.byte(UInt8(ascii: "}")) }
        return true
    }

    private func write(_ value: Value, _ plan: JSONPlan, _ headers: inout [RawHeader], into writer: inout JSONWriter) throws {
        let encoder = encoder
        let inEnvelope = schemasEnabled && !keepsSchemas
        if inEnvelope { writer.raw(try cache.envelope(plan)) }
        try encoder.write(value, plan, 0, into: &writer)
        if inEnvelope { writer.byte(UInt8(ascii: "}")) }
        if schemasEnabled, keepsSchemas {
            if !isAnnounced { try announce(plan) }
            if let header = plan.header { headers.append(header) }
        }
    }

    /// Says that the plan's schema is needed, and makes the header that names it.
    private func announce(_ plan: JSONPlan) throws {
        guard let schemas = context.schemas else { return }
        if plan.stored == nil {
            let canonical = try SchemaJSON.canonical(plan.schema)
            let id = SchemaJSON.address(of: canonical)
            plan.stored = StoredSchema(id: id, json: canonical)
            plan.header = RawHeader(context.schemaHeader, SchemaHeaders.bytes(of: id))
        }
        if let stored = plan.stored { schemas.use(stored) }
        isAnnounced = true
    }

    private static func looksLikeEnvelope(_ value: Value) -> Bool {
        guard case .map(let entries) = value, entries.count == 2 else { return false }
        return ["schema", "payload"].allSatisfy { name in entries.contains { $0.key == .string(name) } }
    }

    // MARK: Reading

    public func deserialize(topic: Name, headers: [RawHeader], bytes: ByteSlice?) throws -> SchemaAndValue {
        guard let bytes else { return .null }
        return try bytes.withUnsafeBytes { (raw: UnsafeRawBufferPointer) throws -> SchemaAndValue in
            do {
                return try read(raw, headers)
            } catch let error as JSONError {
                throw ConnectError(
                    .data, code: "converter.malformed_json",
                    "Converting byte[] to Kafka Connect data failed due to serialization error: \(error)",
                    suggestion: "the topic holds something else than JSON: choose another converter, or let errors.tolerance pass such records over")
            }
        }
    }

    private func read(_ raw: UnsafeRawBufferPointer, _ headers: [RawHeader]) throws -> SchemaAndValue {
        var reader = JSONReader(raw)
        guard schemasEnabled else {
            if reader.isAtEnd() { return .null }
            return SchemaAndValue(value: try decoder.schemaless(&reader))
        }
        if let schemas = context.schemas, let id = try schemaID(headers) {
            let plan = try cache.plan(for: id) { try schemas.schema($0) }
            return SchemaAndValue(schema: plan.schema, value: try decoder.read(&reader, plan, 0))
        }
        if let known = try readLikeLast(raw) { return known }
        if reader.isAtEnd() { throw requiresFields() }
        if let envelope = try JSONEnvelope.find(reader) { return try read(envelope, raw) }
        if let fixed { return SchemaAndValue(schema: fixed.schema, value: try decoder.read(&reader, fixed, 0)) }
        if requiresEnvelope {
            var copy = reader
            try copy.skipValue()
            throw requiresFields()
        }
        return SchemaAndValue(value: try decoder.schemaless(&reader))
    }

    private func read(_ envelope: JSONEnvelope, _ raw: UnsafeRawBufferPointer) throws -> SchemaAndValue {
        var payload = JSONReader(raw, from: envelope.payload)
        if let fixed { return SchemaAndValue(schema: fixed.schema, value: try decoder.read(&payload, fixed, 0)) }
        let schema = UnsafeRawBufferPointer(rebasing: raw[envelope.schema])
        if schema.elementsEqual("null".utf8) { return SchemaAndValue(value: try decoder.schemaless(&payload)) }
        let plan = try cache.plan(forJSON: schema)
        if envelope.schema.upperBound <= envelope.payload { lastStart = ([UInt8](raw[..<envelope.payload]), plan) }
        return SchemaAndValue(schema: plan.schema, value: try decoder.read(&payload, plan, 0))
    }

    /// Reads an envelope that begins like the last one; `nil` when it does not, or holds something behind its payload.
    private func readLikeLast(_ raw: UnsafeRawBufferPointer) throws -> SchemaAndValue? {
        guard let lastStart, fixed == nil, raw.count > lastStart.bytes.count, let start = raw.baseAddress else { return nil }
        let isSame = lastStart.bytes.withUnsafeBytes { known in known.baseAddress.map { memcmp($0, start, known.count) == 0 } ?? false }
        guard isSame else { return nil }
        var payload = JSONReader(raw, from: lastStart.bytes.count)
        let value = try decoder.read(&payload, lastStart.plan, 0)
        payload.skipSpace()
        guard payload.cursor < raw.count, raw[payload.cursor] == UInt8(ascii: "}") else { return nil }
        return SchemaAndValue(schema: lastStart.plan.schema, value: value)
    }

    private func schemaID(_ headers: [RawHeader]) throws -> SchemaID? {
        guard !headers.isEmpty else { return nil }
        let name = context.schemaHeader
        guard let header = headers.last(where: { $0.name == name }) else { return nil }
        guard let id = SchemaHeaders.id(in: header) else {
            throw ConnectError(
                .data, code: "converter.schema_header", "the header \(name) does not hold the 8 bytes of a schema's id",
                suggestion: "records with this header are written by connectd only: remove it from what another producer writes")
        }
        return id
    }

    private func requiresFields() -> ConnectError {
        ConnectError(
            .data, code: "converter.no_envelope",
            "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration."
        )
    }
}

/// The settings of ``JsonConverter``: Connect's.
enum JsonConverterSettings {
    static let schemasEnable = Setting<Bool>.boolean(
        "schemas.enable", default: true, importance: .high, displayName: "Enable Schemas",
        "Include schemas within each of the serialized values and keys. Where the log keeps schemas they stand beside the records instead; unless this is written out as true, JSON without schema is read too."
    )
    static let cacheSize = Setting<Int>.int(
        "schemas.cache.size", default: 1000, importance: .high, displayName: "Schema Cache Size",
        "The most schemas that a converter instance keeps resolved.")
    static let decimalFormat = Setting<DecimalFormat>.choice(
        "decimal.format", default: .base64, ignoringCase: true, importance: .low, displayName: "Decimal Format",
        "How decimals are written: as a number (NUMERIC) or as the Base64 text of their unscaled bytes (BASE64). Where the log keeps schemas the default is NUMERIC."
    )
    static let replaceNullWithDefault = Setting<Bool>.boolean(
        "replace.null.with.default", default: true, importance: .low, displayName: "Replace null with default",
        "Whether a null value whose schema has a default is replaced by that default; otherwise null stays null.")
    static let schemaContent = Setting<String?>.optionalString(
        "schema.content", importance: .high, displayName: "Schema Content",
        "A schema, as JSON, of all values read: they are then plain JSON. Needs schemas.enable=true.")
    static let converterType = Setting<String?>.optionalString(
        "converter.type", importance: .low, displayName: "Converter Type", "Whether keys, values or headers are converted; set by the worker.")

    static let definition = ConfigDefinition()
        .group("Schemas", schemasEnable, cacheSize, schemaContent)
        .group("Serialization", decimalFormat, replaceNullWithDefault)
        .group(nil, converterType)
}
