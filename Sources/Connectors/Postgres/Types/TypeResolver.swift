internal import Postgres

/// Turns numbers of types into ``PostgresType``, asking the server for those that are not built in: only for types that are used.
struct TypeResolver {
    private struct Row {
        let name: String
        let schema: String
        let kind: String
        let base: UInt32
        let baseModifier: Int32
        let element: UInt32
        let isArray: Bool
        let dimensions: Int
        var labels: [String] = []
        var attributes: [(name: String, type: UInt32, modifier: Int32, dimensions: Int)] = []
    }

    private let connection: Connection
    private var rows: [UInt32: Row] = [:]
    /// Composites may hold arrays of themselves by way of other tables: deeper than this is left as text.
    private static let greatestDepth = 16

    init(_ connection: Connection) { self.connection = connection }

    /// Loads types and what they are made of.
    mutating func load(_ wanted: [UInt32]) throws(PostgresError) {
        var missing = Set(wanted)
        for _ in 0..<TypeResolver.greatestDepth {
            missing = missing.filter { $0 != 0 && rows[$0] == nil && TypeResolver.scalar($0, modifier: -1) == nil }
            if missing.isEmpty { return }
            missing = try loadOnce(missing)
        }
    }

    private mutating func loadOnce(_ oids: Set<UInt32>) throws(PostgresError) -> Set<UInt32> {
        let list = Parameter.text("{" + oids.map(String.init).joined(separator: ",") + "}")
        let result = try connection.query(
            """
            SELECT t.oid, t.typname, n.nspname, t.typtype, t.typbasetype, t.typtypmod, t.typelem, t.typcategory = 'A' AND t.typlen = -1 AND t.typname LIKE '\\_%', t.typndims
            FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = ANY ($1::oid[])
            """, [list])
        var next: Set<UInt32> = []
        for row in 0..<result.rowCount {
            guard let oid = result.text(row, 0).flatMap({ UInt32($0) }) else { continue }
            let type = Row(
                name: result.text(row, 1) ?? "", schema: result.text(row, 2) ?? "", kind: result.text(row, 3) ?? "b",
                base: UInt32(result.text(row, 4) ?? "") ?? 0, baseModifier: Int32(result.text(row, 5) ?? "") ?? -1,
                element: UInt32(result.text(row, 6) ?? "") ?? 0, isArray: result.boolean(row, 7), dimensions: Int(result.text(row, 8) ?? "") ?? 0)
            rows[oid] = type
            if type.kind == "d" { next.insert(type.base) }
            if type.isArray { next.insert(type.element) }
        }
        let labels = try connection.query(
            "SELECT enumtypid, enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = ANY ($1::oid[]) ORDER BY enumtypid, enumsortorder", [list])
        for row in 0..<labels.rowCount {
            guard let oid = labels.text(row, 0).flatMap({ UInt32($0) }) else { continue }
            rows[oid]?.labels.append(labels.text(row, 1) ?? "")
        }
        let attributes = try connection.query(
            """
            SELECT t.oid, a.attname, a.atttypid, a.atttypmod, a.attndims FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
            WHERE t.typtype = 'c' AND t.oid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY t.oid, a.attnum
            """, [list])
        for row in 0..<attributes.rowCount {
            guard let oid = attributes.text(row, 0).flatMap({ UInt32($0) }), let type = attributes.text(row, 2).flatMap({ UInt32($0) }) else { continue }
            rows[oid]?.attributes.append(
                (attributes.text(row, 1) ?? "", type, Int32(attributes.text(row, 3) ?? "") ?? -1, Int(attributes.text(row, 4) ?? "") ?? 0))
            next.insert(type)
        }
        return next
    }

    func resolve(_ oid: UInt32, modifier: Int32, dimensions: Int, depth: Int = 0) -> PostgresType {
        if let scalar = TypeResolver.scalar(oid, modifier: modifier) { return scalar }
        guard let row = rows[oid], depth < TypeResolver.greatestDepth else { return .other(name: String(oid)) }
        if row.kind == "d" {
            let base = resolve(row.base, modifier: row.baseModifier, dimensions: max(dimensions, row.dimensions), depth: depth + 1)
            return .domain(name: "\(row.schema).\(row.name)", base)
        }
        if row.kind == "e" { return .enumeration(row.labels) }
        if row.kind == "c" {
            return .composite(
                name: "\(row.schema).\(row.name)",
                fields: row.attributes.map { .init(name: $0.name, type: resolve($0.type, modifier: $0.modifier, dimensions: $0.dimensions, depth: depth + 1)) })
        }
        if row.isArray, row.element != 0 {
            return .array(resolve(row.element, modifier: modifier, dimensions: 0, depth: depth + 1), dimensions: max(1, dimensions))
        }
        switch row.name {
        case "hstore": return .textMap
        case "citext": return .text
        default: return .other(name: row.name)
        }
    }

    /// Built-in types by number.
    static func scalar(_ oid: UInt32, modifier: Int32) -> PostgresType? {
        switch oid {
        case TypeNumber.bool: .boolean
        case TypeNumber.int2: .int16
        case TypeNumber.int4: .int32
        case TypeNumber.int8, TypeNumber.oid: .int64
        case TypeNumber.float4: .float32
        case TypeNumber.float8: .float64
        case TypeNumber.numeric: modifier < 4 ? .variableDecimal : .decimal(scale: scale(modifier))
        case TypeNumber.money: .money
        case TypeNumber.text, TypeNumber.varchar, TypeNumber.bpchar, TypeNumber.name, TypeNumber.char: .text
        case TypeNumber.bytea: .bytes
        case TypeNumber.bit: modifier == 1 ? .bit : modifier > 1 ? .bits(Int(modifier)) : .other(name: "bit")
        case TypeNumber.uuid: .uuid
        case TypeNumber.json, TypeNumber.jsonb: .json
        case TypeNumber.xml: .xml
        case TypeNumber.date: .date
        case TypeNumber.time: .time
        case TypeNumber.timetz: .timeWithZone
        case TypeNumber.timestamp: .timestamp
        case TypeNumber.timestamptz: .timestampWithZone
        case TypeNumber.interval: .interval
        default: nil
        }
    }

    /// Eleven bits with a sign, since 15; before, no scale used the sign's bit.
    static func scale(_ modifier: Int32) -> Int32 { (((modifier - 4) & 0x7FF) ^ 1024) - 1024 }
}
