/// Parameters of a key's schema that tell which table its records are of.
///
/// A tombstone has no value and so no source block; where compaction has left nothing but it, the key's schema must say whose row to delete.
public enum SourceTableParameters {
    public static let database: Name = "connectd.source.db"
    public static let schema: Name = "connectd.source.schema"
    public static let table: Name = "connectd.source.table"

    public static func make(database: String, schema: String, table: String) -> [Schema.Parameter] {
        [Schema.Parameter(self.database, database), Schema.Parameter(self.schema, schema), Schema.Parameter(self.table, table)]
    }

    /// The value of a source block's member (`db`, `schema`, `table`) as a key's schema tells it: by these parameters, or for the table by
    /// the name Debezium gives such a schema (`<prefix>.<schema>.<table>.Key`).
    public static func member(_ member: Name, of keySchema: Schema) -> String? {
        if let told = keySchema.parameter(Name("connectd.source." + member.text)) { return told }
        guard member == "table", let name = keySchema.name?.text, name.utf8.count > 4, equalBytes(String(name.suffix(4)), ".Key") else { return nil }
        return name.utf8.dropLast(4).split(separator: UInt8(ascii: ".")).last.map { String(decoding: $0, as: UTF8.self) }
    }
}
