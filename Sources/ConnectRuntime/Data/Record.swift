/// One record as connectors and transforms see it, on its way to a topic or from one.
///
/// `schema == nil` means schemaless. A record whose value has neither schema nor value is a tombstone.
/// Where the record comes from is not here but beside it (``RecordBatch/Entry/origin``), where transforms cannot lose it.
public struct Record: Sendable, Hashable {
    public var topic: Name
    /// The partition to write to, or that it was read from; `nil` lets the partitioner choose by the key's bytes.
    public var partition: Int32?
    public var keySchema: Schema?
    public var key: Value
    public var valueSchema: Schema?
    public var value: Value
    /// Milliseconds since 1970, `nil` when unknown.
    public var timestamp: Int64?
    public var headers: [Header]

    @inlinable public init(
        topic: Name, partition: Int32? = nil, keySchema: Schema? = nil, key: Value = .null, valueSchema: Schema? = nil,
        value: Value = .null, timestamp: Int64? = nil, headers: [Header] = []
    ) {
        self.topic = topic
        self.partition = partition
        self.keySchema = keySchema
        self.key = key
        self.valueSchema = valueSchema
        self.value = value
        self.timestamp = timestamp
        self.headers = headers
    }

    public var isTombstone: Bool { value.isNull && valueSchema == nil }
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
