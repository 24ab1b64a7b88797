/// One record as connectors and transforms see it, on its way to a topic or from one.
///
/// `schema == nil` means schemaless. A record whose value has neither schema nor value is a tombstone.
/// Where the record comes from is not here but beside it (``RecordBatch/Entry/origin``), where transforms cannot lose it.
public struct Record: Sendable, Hashable {
    // First, so that ``init(topic:partition:keySchema:key:valueSchema:value:timestamp:headers:)`` is not the compiler's own initializer.
    public var headers: [Header]
    public var topic: Name
    /// The partition to write to, or that it was read from; `nil` lets the partitioner choose by the key's bytes.
    public var partition: Int32?
    public var keySchema: Schema?
    public var key: Value
    public var valueSchema: Schema?
    public var value: Value
    /// Milliseconds since 1970, `nil` when unknown.
    public var timestamp: Int64?

    public var isTombstone: Bool { value.isNull && valueSchema == nil }
}

extension Record {
    // Here, by the compiler's own initializer of all members: one that sets them one by one makes a copy of the whole at its end, which counts up
    // and down everything a record refers to.
    public init(
        topic: Name, partition: Int32? = nil, keySchema: Schema? = nil, key: Value = .null, valueSchema: Schema? = nil,
        value: Value = .null, timestamp: Int64? = nil, headers: [Header] = []
    ) {
        self.init(
            headers: headers, topic: topic, partition: partition, keySchema: keySchema, key: key, valueSchema: valueSchema, value: value,
            timestamp: timestamp)
    }
}

/// A named value beside a record. Names may repeat; order is kept.
public struct Header: Sendable, Hashable {
    public var name: Name
    public var schema: Schema?
    public var value: Value

    public init(_ name: Name, schema: Schema? = nil, value: Value) {
        self.name = name
        self.schema = schema
        self.value = value
    }
}

/// A schema (or none) with a value of it: what converters read and write.
public struct SchemaAndValue: Sendable, Hashable {
    public var schema: Schema?
    public var value: Value
    public init(schema: Schema? = nil, value: Value) {
        self.schema = schema
        self.value = value
    }
    public static let null = SchemaAndValue(schema: nil, value: .null)
}
