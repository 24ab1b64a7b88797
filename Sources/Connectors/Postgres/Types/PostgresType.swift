internal import ConnectRuntime

/// What a column's type means to us, resolved through domains, arrays and composites.
indirect enum PostgresType: Sendable, Hashable {
    case boolean
    /// No column's own: a numeric of two digits, where numerics are mapped to numbers.
    case int8
    case int16
    case int32
    case int64
    case float32
    case float64
    /// numeric(p, s)
    case decimal(scale: Int32)
    /// numeric without a scale: each value has its own.
    case variableDecimal
    case money
    case text
    case bytes
    case bit
    case bits(Int)
    case uuid
    case json
    case xml
    case enumeration([String])
    case date
    case time
    case timeWithZone
    case timestamp
    case timestampWithZone
    case interval
    /// hstore: text to text or NULL.
    case textMap
    /// An array of so many dimensions.
    case array(PostgresType, dimensions: Int)
    case composite(name: String, fields: [CompositeField])
    case domain(name: String, PostgresType)
    /// Any other type in its text form: networks, ranges, geometry, what extensions bring.
    case other(name: String)

    struct CompositeField: Sendable, Hashable {
        let name: String
        let type: PostgresType
    }

    /// Through domains.
    var base: PostgresType {
        if case .domain(_, let base) = self { return base.base }
        return self
    }
}

/// How types travel where there is a choice.
struct TypeOptions: Sendable, Hashable {
    enum DecimalMode: String, Sendable, CaseIterable { case precise, string, double }
    enum Unfit: String, Sendable, CaseIterable { case fail, null }
    enum Infinity: String, Sendable, CaseIterable { case sentinel, null, fail }
    enum TimePrecision: String, Sendable, CaseIterable {
        /// Debezium's microseconds: nothing is lost.
        case adaptiveMicroseconds = "adaptive_time_microseconds"
        case adaptive
        /// Connect's own milliseconds.
        case connect
    }
    var decimals = DecimalMode.precise
    /// NaN and infinities where decimals are precise.
    var specialDecimals = Unfit.fail
    var infinity = Infinity.sentinel
    var time = TimePrecision.adaptiveMicroseconds
    var trimsCharacters = false
    /// Whether timestamptz travels as Connect's Timestamp, in milliseconds, as the JDBC source has it.
    var zonedAsTimestamp = false
    var numerics = NumericMapping.none
}

/// Schema parameters by which a copy in PostgreSQL becomes the same as its source.
enum PostgresParameters {
    /// The column's type as SQL writes it, where its schema alone does not say it.
    static let type: Name = "connectd.postgresql.type"
    static let domain: Name = "connectd.postgresql.domain"
    static let allowed: Name = "allowed"
    static let length: Name = "length"
}
