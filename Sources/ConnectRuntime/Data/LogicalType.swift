/// Names of the logical types that connectd gives meaning to, and the schemas of Connect's four own.
///
/// Connect's have values of their own (``Value/decimal(_:)`` and its neighbours); Debezium's are base values under these names
/// (its documentation, "Data type mappings").
public enum LogicalType {
    public static let decimal: Name = "org.apache.kafka.connect.data.Decimal"
    public static let date: Name = "org.apache.kafka.connect.data.Date"
    public static let time: Name = "org.apache.kafka.connect.data.Time"
    public static let timestamp: Name = "org.apache.kafka.connect.data.Timestamp"

    public static let json: Name = "io.debezium.data.Json"
    public static let uuid: Name = "io.debezium.data.Uuid"
    public static let xml: Name = "io.debezium.data.Xml"
    public static let bits: Name = "io.debezium.data.Bits"
    public static let enumeration: Name = "io.debezium.data.Enum"
    public static let variableScaleDecimal: Name = "io.debezium.data.VariableScaleDecimal"
    public static let microTime: Name = "io.debezium.time.MicroTime"
    public static let microTimestamp: Name = "io.debezium.time.MicroTimestamp"
    public static let zonedTime: Name = "io.debezium.time.ZonedTime"
    public static let zonedTimestamp: Name = "io.debezium.time.ZonedTimestamp"
    public static let interval: Name = "io.debezium.time.Interval"

    /// The parameter of a ``decimal`` schema that holds its scale.
    public static let scaleParameter: Name = "scale"
}

extension Schema {
    public static func decimal(scale: Int32, optional: Bool = false, default defaultValue: Value? = nil) -> Schema {
        Schema(
            .bytes, optional: optional, default: defaultValue, name: LogicalType.decimal, version: 1,
            parameters: [Parameter(LogicalType.scaleParameter, String(scale))])
    }
    public static func date(optional: Bool = false) -> Schema { Schema(.int32, optional: optional, name: LogicalType.date, version: 1) }
    public static func time(optional: Bool = false) -> Schema { Schema(.int32, optional: optional, name: LogicalType.time, version: 1) }
    public static func timestamp(optional: Bool = false) -> Schema {
        Schema(.int64, optional: optional, name: LogicalType.timestamp, version: 1)
    }
}
