internal import ConnectRuntime

/// How the values of a column travel: chosen by its declared type, the way SQLite chooses its affinity.
enum ColumnKind: Sendable, Hashable {
    /// INT64
    case integer
    /// BOOLEAN: stored as 0 and 1
    case boolean
    /// FLOAT64
    case real
    /// STRING
    case text
    /// BYTES
    case blob
    /// STRING; texts as they are, numbers as their digits. A column of NUMERIC affinity never keeps a text that reads as a number, so both stay apart.
    case numeric(NumericMeaning)
    /// STRING holding one JSON scalar: whatever a column without a type holds.
    case any

    /// What people mean by a type that SQLite only knows as NUMERIC.
    enum NumericMeaning: Sendable, Hashable { case plain, json, uuid }

    /// - Parameter declaredType: as `PRAGMA table_info` shows it, in any case.
    init(declaredType: String) {
        let type = declaredType.uppercased()
        if type.isEmpty || type == "ANY" {
            self = .any
        } else if type.hasPrefix("BOOL") {
            self = .boolean
        } else if type.contains("INT") {
            self = .integer
        } else if type.contains("CHAR") || type.contains("CLOB") || type.contains("TEXT") {
            self = .text
        } else if type.contains("BLOB") {
            self = .blob
        } else if type.contains("REAL") || type.contains("FLOA") || type.contains("DOUB") {
            self = .real
        } else if type == "JSON" {
            self = .numeric(.json)
        } else if type == "UUID" {
            self = .numeric(.uuid)
        } else {
            self = .numeric(.plain)
        }
    }

    var schemaType: SchemaType {
        switch self {
        case .integer: .int64
        case .boolean: .boolean
        case .real: .float64
        case .text, .numeric, .any: .string
        case .blob: .bytes
        }
    }

    var schemaName: Name? {
        switch self {
        case .any, .numeric(.json): LogicalType.json
        case .numeric(.uuid): LogicalType.uuid
        default: nil
        }
    }

    /// The schema of a column, with what a SQLite sink needs to store the very same value again.
    func schema(declaredType: String, optional: Bool) -> Schema {
        var parameters = [Schema.Parameter(SqliteParameters.type, declaredType)]
        switch self {
        case .any: parameters.append(Schema.Parameter(SqliteParameters.encoding, SqliteParameters.Encoding.tagged.rawValue))
        case .numeric: parameters.append(Schema.Parameter(SqliteParameters.encoding, SqliteParameters.Encoding.numeric.rawValue))
        default: break
        }
        return Schema(schemaType, optional: optional, name: schemaName, parameters: parameters)
    }
}

/// Schema parameters by which a copy in SQLite becomes the same as its source.
enum SqliteParameters {
    /// The column's declared type, empty when it has none.
    static let type: Name = "connectd.sqlite.type"
    /// How a STRING holds other values too.
    static let encoding: Name = "connectd.sqlite.encoding"

    enum Encoding: String, Sendable {
        /// One JSON scalar, or `{"blob":"<Base64>"}`.
        case tagged
        /// A text that reads as a number is one.
        case numeric
    }
}
