/// A value with named fields: its schema (shared) and one value per field, in the schema's order.
public struct Struct: Sendable, Hashable {
    public let schema: Schema
    /// One value per field of `schema`, in its order.
    public private(set) var values: [Value]

    /// - Parameter values: one per field, in order. A wrong count is a programming error of the caller and traps.
    @inlinable public init(_ schema: Schema, _ values: [Value]) {
        self.init(checked: schema, values)
    }

    @usableFromInline init(checked schema: Schema, _ values: [Value]) {
        precondition(values.count == schema.fields.count, "a struct has one value per field")
        self.schema = schema
        self.values = values
    }

    /// The field's value by position, without its default.
    public subscript(index: Int) -> Value {
        get { values[index] }
        set { values[index] = newValue }
    }

    /// The field's value by name without its default, `nil` when the schema has no such field.
    /// In a loop over records resolve ``Schema/index(of:)`` once instead.
    public func value(of field: Name) -> Value? { schema.index(of: field).map { values[$0] } }

    /// Gives the values away, so that whoever changes them does it in place.
    consuming func takeValues() -> [Value] { values }

    public static func == (left: Struct, right: Struct) -> Bool {
        left.schema == right.schema && left.values == right.values
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(values) }
}
