internal import ConnectRuntime
internal import SQLite

/// What a SQLite file says about its tables, read by pragmas as table-valued functions so that names are parameters.
enum SqliteCatalog {
    struct Column: Sendable, Hashable {
        let name: Name
        let declaredType: String
        let isNotNull: Bool
        /// Place in the primary key from 1; 0 outside.
        let keyPosition: Int
        let isGenerated: Bool
    }

    struct Index: Sendable, Hashable {
        let name: String
        let isUnique: Bool
        /// `pk`, `u` (a constraint) or `c` (CREATE INDEX).
        let origin: String
        let isPartial: Bool
        /// Column names (`nil` for an expression) with their collations.
        let columns: [(name: String?, collation: String)]

        static func == (left: Index, right: Index) -> Bool { left.name == right.name }
        func hash(into hasher: inout Hasher) { hasher.combine(name) }
    }

    /// Tables that can be captured: no views, no virtual tables or their shadows, none of SQLite's or ours.
    static func tables(_ database: Database) throws -> [Name] {
        let statement = try database.prepare(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name", isKept: false)
        defer { statement.finalize() }
        var names: [Name] = []
        while try statement.step() {
            let name = Name(statement.string(at: 0))
            if !isReserved(name) { names.append(name) }
        }
        return names.sorted()
    }

    /// Those of the wanted names that no table has, with or without `main.` before it.
    static func missing(_ wanted: [Name], among tables: [Name]) -> [Name] {
        wanted.filter { name in !tables.contains { $0 == name || Name("main." + $0.text) == name } }
    }

    static func suggestion(for missing: Name, among tables: [Name]) -> String {
        if tables.isEmpty { return "it has no tables yet" }
        return Nearest.name(to: missing, among: tables).map { "did you mean \($0)? names are taken exactly as the database spells them" }
            ?? "tables are: \(tables.prefix(20).map(\.text).joined(separator: ", "))"
    }

    static func isReserved(_ name: Name) -> Bool {
        let text = name.text.asciiLowercased
        return text.hasPrefix("sqlite_") || text.hasPrefix("connectd_") || text == "connectd"
    }

    /// Columns in their order; empty when there is no such table. A generated column counts, a virtual table's hidden one does not.
    static func columns(_ database: Database, _ table: Name) throws -> [Column] {
        let statement = try database.prepare(
            "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1, 'main') ORDER BY cid", isKept: false)
        defer { statement.finalize() }
        try statement.bind(text: table.text, at: 1)
        var columns: [Column] = []
        while try statement.step() {
            if statement.int64(at: 4) == 1 { continue }
            columns.append(
                Column(
                    name: Name(statement.string(at: 0)), declaredType: statement.string(at: 1), isNotNull: statement.int64(at: 2) != 0,
                    keyPosition: Int(statement.int64(at: 3)), isGenerated: statement.int64(at: 4) > 1))
        }
        return columns
    }

    static func indexes(_ database: Database, _ table: Name) throws -> [Index] {
        let list = try database.prepare(
            "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, 'main') ORDER BY seq", isKept: false)
        defer { list.finalize() }
        try list.bind(text: table.text, at: 1)
        var indexes: [Index] = []
        while try list.step() {
            let name = list.string(at: 0)
            let info = try database.prepare("SELECT name, coll FROM pragma_index_xinfo(?1, 'main') WHERE key = 1 ORDER BY seqno", isKept: false)
            defer { info.finalize() }
            try info.bind(text: name, at: 1)
            var columns: [(name: String?, collation: String)] = []
            while try info.step() { columns.append((info.type(at: 0) == .null ? nil : info.string(at: 0), info.string(at: 1))) }
            indexes.append(
                Index(
                    name: name, isUnique: list.int64(at: 1) != 0, origin: list.string(at: 2), isPartial: list.int64(at: 3) != 0, columns: columns))
        }
        return indexes
    }

    /// The text by which an object was made, `nil` when there is none of that type and name.
    static func sql(_ database: Database, type: String, name: String) throws -> String? {
        let statement = try database.prepare("SELECT sql FROM main.sqlite_schema WHERE type = ?1 AND name = ?2 COLLATE NOCASE", isKept: false)
        defer { statement.finalize() }
        try statement.bind(text: type, at: 1)
        try statement.bind(text: name, at: 2)
        return try statement.step() ? statement.string(at: 0) : nil
    }

    static func triggers(_ database: Database, on table: Name) throws -> [(name: String, sql: String)] {
        let statement = try database.prepare(
            "SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE ORDER BY name", isKept: false)
        defer { statement.finalize() }
        try statement.bind(text: table.text, at: 1)
        var triggers: [(name: String, sql: String)] = []
        while try statement.step() { triggers.append((statement.string(at: 0), statement.string(at: 1))) }
        return triggers
    }

    /// The largest value an AUTOINCREMENT key has ever had; 0 before the first.
    static func sequence(_ database: Database, _ table: Name) throws -> Int64 {
        guard try sql(database, type: "table", name: "sqlite_sequence") != nil else { return 0 }
        let statement = try database.prepare("SELECT seq FROM main.sqlite_sequence WHERE name = ?1", isKept: false)
        defer { statement.finalize() }
        try statement.bind(text: table.text, at: 1)
        return try statement.step() ? statement.int64(at: 0) : 0
    }

    /// Whether the table's rows have a rowid; not so WITHOUT ROWID.
    static func hasRowid(_ database: Database, _ table: Name) throws -> Bool {
        let statement = try database.prepare(
            "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE", isKept: false)
        defer { statement.finalize() }
        try statement.bind(text: table.text, at: 1)
        return try statement.step() && statement.int64(at: 0) == 0
    }

    /// A name by which the rowid can be reached, `nil` when columns hide all three.
    static func rowidName(_ columns: [Column]) -> String? {
        ["rowid", "_rowid_", "oid"].first { candidate in !columns.contains { $0.name.text.asciiLowercased == candidate } }
    }
}
