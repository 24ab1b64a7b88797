/// One value of a record: a key, a value, a field, a header.
///
/// Closed and not `indirect`: recursion goes through arrays, so a scalar costs no allocation and a `switch` over it is a jump.
/// Integers keep the width their schema gives them. The four logical types of Connect have cases of their own, so that a
/// value without schema still knows what it is; any other logical type (Debezium's microseconds, UUIDs, JSON text) is its base case
/// under a named ``Schema``.
public enum Value: Sendable {
    case null
    case boolean(Bool)
    case int8(Int8)
    case int16(Int16)
    case int32(Int32)
    case int64(Int64)
    case float32(Float)
    case float64(Double)
    case string(String)
    case bytes([UInt8])
    /// `org.apache.kafka.connect.data.Decimal`
    case decimal(Decimal)
    /// `org.apache.kafka.connect.data.Date`: days since 1970-01-01.
    case date(Int32)
    /// `org.apache.kafka.connect.data.Time`: milliseconds of the day, 0…86 400 000.
    case time(Int32)
    /// `org.apache.kafka.connect.data.Timestamp`: milliseconds since 1970-01-01T00:00:00Z.
    case timestamp(Int64)
    case array([Value])
    /// Entries in their order; keys are unique by ``Value`` equality, the later entry wins where a reader meets a repetition.
    case map([MapEntry])
    case structure(Struct)

    /// One entry of a ``map(_:)``.
    public struct MapEntry: Sendable, Hashable {
        public var key: Value
        public var value: Value
        public init(key: Value, value: Value) {
            self.key = key
            self.value = value
        }
    }

    @inlinable public var isNull: Bool {
        if case .null = self { return true }
        return false
    }
}

/// Equality and hashing are those of Java's values: text as bytes, floats by their bits (NaN equals NaN, 0.0 is not −0.0).
extension Value: Hashable {
    public static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.boolean(let a), .boolean(let b)): a == b
        case (.int8(let a), .int8(let b)): a == b
        case (.int16(let a), .int16(let b)): a == b
        case (.int32(let a), .int32(let b)): a == b
        case (.int64(let a), .int64(let b)): a == b
        case (.float32(let a), .float32(let b)): a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN)
        case (.float64(let a), .float64(let b)): a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN)
        case (.string(let a), .string(let b)): equalBytes(a, b)
        case (.bytes(let a), .bytes(let b)): a == b
        case (.decimal(let a), .decimal(let b)): a == b
        case (.date(let a), .date(let b)): a == b
        case (.time(let a), .time(let b)): a == b
        case (.timestamp(let a), .timestamp(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.map(let a), .map(let b)): a == b
        case (.structure(let a), .structure(let b)): a == b
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(UInt8(0))
        case .boolean(let value): hasher.combine(UInt8(1)); hasher.combine(value)
        case .int8(let value): hasher.combine(UInt8(2)); hasher.combine(value)
        case .int16(let value): hasher.combine(UInt8(3)); hasher.combine(value)
        case .int32(let value): hasher.combine(UInt8(4)); hasher.combine(value)
        case .int64(let value): hasher.combine(UInt8(5)); hasher.combine(value)
        case .float32(let value): hasher.combine(UInt8(6)); hasher.combine((value.isNaN ? Float.nan : value).bitPattern)
        case .float64(let value): hasher.combine(UInt8(7)); hasher.combine((value.isNaN ? Double.nan : value).bitPattern)
        case .string(let value): hasher.combine(UInt8(8)); hashBytes(value, into: &hasher)
        case .bytes(let value): hasher.combine(UInt8(9)); hasher.combine(value)
        case .decimal(let value): hasher.combine(UInt8(10)); hasher.combine(value)
        case .date(let value): hasher.combine(UInt8(11)); hasher.combine(value)
        case .time(let value): hasher.combine(UInt8(12)); hasher.combine(value)
        case .timestamp(let value): hasher.combine(UInt8(13)); hasher.combine(value)
        case .array(let value): hasher.combine(UInt8(14)); hasher.combine(value)
        case .map(let value): hasher.combine(UInt8(15)); hasher.combine(value)
        case .structure(let value): hasher.combine(UInt8(16)); hasher.combine(value)
        }
    }
}
