internal import ConnectRuntime

/// Types of columns that are made for values of a schema.
enum ColumnType {
    /// What a source in PostgreSQL says its column is, where that is written in a way that can only be a type.
    ///
    /// It comes from a record: whoever puts it into SQL must have the server confirm that it is a type's name and nothing else.
    static func sourceType(_ schema: Schema) -> String? {
        guard let written = schema.parameter(PostgresParameters.type) else { return nil }
        let bytes = Array(written.utf8)
        // What the server's parser would pass over, but which goes on behind the name when it stands in a statement.
        if bytes.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: "'") }) { return nil }
        for pair in zip(bytes, bytes.dropFirst()) where pair == (UInt8(ascii: "-"), UInt8(ascii: "-")) || pair == (UInt8(ascii: "/"), UInt8(ascii: "*")) { return nil }
        return written
    }

    static func of(_ schema: Schema) -> String {
        // A text by which SQLite's columns keep values of other kinds fits no narrower type.
        let isFree = schema.parameter(SqliteParameters.encoding).map { equalBytes($0, SqliteParameters.Encoding.numeric.rawValue) } ?? false
        if !isFree, let name = schema.name, let type = logical(name, schema) { return type }
        switch schema.type {
        case .int8, .int16: return "smallint"
        case .int32: return "integer"
        case .int64: return "bigint"
        case .float32: return "real"
        case .float64: return "double precision"
        case .boolean: return "boolean"
        case .string: return "text"
        case .bytes: return "bytea"
        case .structure, .map: return "jsonb"
        case .array:
            guard let element = schema.valueSchema else { return "jsonb" }
            if element.type == .array {
                let inner = of(element)
                return inner
            }
            let inner = of(element)
            return inner == "jsonb" && element.type != .string ? "jsonb" : inner + "[]"
        }
    }

    private static func logical(_ name: Name, _ schema: Schema) -> String? {
        switch name {
        case LogicalType.decimal, LogicalType.variableScaleDecimal: "numeric"
        case LogicalType.uuid: "uuid"
        case LogicalType.json: "jsonb"
        case LogicalType.xml: "xml"
        case LogicalType.bits: schema.parameter(PostgresParameters.length).flatMap { Int($0) }.flatMap { (1...83_886_080).contains($0) ? "bit(\($0))" : nil } ?? "bit varying"
        case LogicalType.interval: "interval"
        case LogicalType.zonedTimestamp: "timestamp with time zone"
        case LogicalType.zonedTime: "time with time zone"
        default:
            switch Temporal.unit(of: name)?.kind {
            case .date: "date"
            case .time: "time"
            case .timestamp: "timestamp"
            case .duration: "interval"
            case nil: nil
            }
        }
    }
}
