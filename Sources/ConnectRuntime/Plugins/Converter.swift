/// Turns values into bytes and back. Made, configured and used on one task's thread; needs no lock.
public protocol Converter: AnyObject {
    /// - Parameter context: what kind of thing it converts, and where schemas may be kept.
    func configure(_ config: Config, context: ConverterContext) throws

    /// Appends a value's bytes to the buffer.
    /// - Parameter headers: the record's headers as bytes; a converter that names its schema beside the value adds one.
    /// - Returns: false for null (no bytes: a tombstone).
    /// - Throws: ``ConnectError`` of kind `.data` when the value is none of its schema; what it appended before is cut off by the caller.
    func serialize(topic: Name, headers: inout [RawHeader], schema: Schema?, value: Value, into buffer: inout ByteBuffer) throws -> Bool

    /// Reads a value. Equal schemas should come back as the same object, so that others can recognise them by identity.
    /// - Parameter headers: all of the record's, this converter's own schema header included; the runner removes that one.
    func deserialize(topic: Name, headers: [RawHeader], bytes: ByteSlice?) throws -> SchemaAndValue

    func close()
}

extension Converter {
    public func close() {}
}

/// Where a converter works.
public struct ConverterContext: Sendable {
    public enum Role: String, Sendable { case key, value, header }
    public let role: Role
    /// The log's kept schemas, `nil` where it keeps none.
    public let schemas: (any ConverterSchemas)?
    public init(role: Role, schemas: (any ConverterSchemas)? = nil) {
        self.role = role
        self.schemas = schemas
    }
    /// The header in which a converter of this role names its record's schema (design D14): seen by converters only.
    public var schemaHeader: Name { role == .key ? SchemaHeaders.key : SchemaHeaders.value }
}

/// The headers that hold the ids of kept schemas: 8 bytes, big-endian.
public enum SchemaHeaders {
    public static let key: Name = "__key.schema"
    public static let value: Name = "__value.schema"
    public static func contains(_ name: Name) -> Bool { name == key || name == value }
}

/// Kept schemas as a converter sees them. Thread-safe.
public protocol ConverterSchemas: AnyObject, Sendable {
    /// Says that records about to be appended need this schema; it is stored in the transaction of the first of them.
    ///
    /// Called once per converter and schema, not once per record: whoever takes it hands it to every transaction until one that carried it is
    /// durable (an aborted transaction stored nothing). A different schema under the same id is an error of whoever stores it.
    func use(_ schema: StoredSchema)
    /// The stored JSON of an id. Throws when the log has none: the record names a schema that does not exist.
    func schema(_ id: SchemaID) throws -> [UInt8]
}
