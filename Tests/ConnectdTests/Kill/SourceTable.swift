import ConnectTesting
import SQLite

/// A value as it goes into and comes out of SQLite.
enum Cell: Sendable, Hashable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    func bind(to statement: Statement, at position: Int32) throws {
        switch self {
        case .null: try statement.bindNull(at: position)
        case .integer(let value): try statement.bind(value, at: position)
        case .real(let value): try statement.bind(real: value, at: position)
        case .text(let value): try statement.bind(text: value, at: position)
        case .blob(let value): try statement.bind(blob: value, at: position)
        }
    }
}

/// A table whose rows keep changing: few keys, so that changes of one row follow each other closely.
/// Every version of a row carries a `stamp` that no other version has, so each change can be told from all others.
struct SourceTable: Sendable {
    let name: String
    let definition: String
    let keyColumns: [String]
    let keys: [[Cell]]
    /// Columns beside key and stamp.
    let columns: [(name: String, cells: [Cell])]

    /// A text key; names and values that tempt quoting, number formats and Unicode.
    static let items = SourceTable(
        name: "items",
        definition: """
            CREATE TABLE items (id TEXT PRIMARY KEY NOT NULL, stamp INTEGER NOT NULL, number INTEGER, amount REAL, words TEXT, bytes BLOB,
                "\u{e9}" TEXT, "e\u{301}" TEXT, "it's ""quoted"" so" TEXT)
            """,
        keyColumns: ["id"],
        keys: (["\u{e9}", "e\u{301}", "it's", "\"q\"", "", " ", "ключ", "🔑", "null", "1", "1.0", "a\nb", "{\"a\":1}"] + (0..<24).map { "k\($0)" }).map { [.text($0)] },
        columns: [
            ("number", integers), ("amount", reals), ("words", texts), ("bytes", blobs), ("\u{e9}", texts), ("e\u{301}", texts), ("it's \"quoted\" so", texts),
        ])

    /// A key of two columns, without a row id.
    static let orders = SourceTable(
        name: "orders",
        definition: """
            CREATE TABLE orders (shop INTEGER NOT NULL, line TEXT NOT NULL, stamp INTEGER NOT NULL, amount REAL, note TEXT, PRIMARY KEY (shop, line)) WITHOUT ROWID
            """,
        keyColumns: ["shop", "line"],
        keys: (0..<6).flatMap { shop in ["\u{e9}", "e\u{301}", "x", "'"].map { [.integer(shop == 5 ? Int64.max : Int64(shop)), .text($0)] } },
        columns: [("amount", reals), ("note", texts)])

    /// So many rows that reading those that are there takes a while.
    static let many = SourceTable(
        name: "many", definition: "CREATE TABLE many (id INTEGER PRIMARY KEY, stamp INTEGER NOT NULL, note TEXT)", keyColumns: ["id"],
        keys: (0..<4000).map { [.integer($0 - 2000)] }, columns: [("note", texts)])

    private static let integers: [Cell] = [.null, .integer(0), .integer(-1), .integer(1 << 53), .integer((1 << 53) + 1), .integer(.max), .integer(.min)]
    private static let reals: [Cell] = [
        .null, .real(0.1 + 0.2), .real(1e300), .real(-1e300), .real(.leastNonzeroMagnitude), .real(1.7976931348623157e308), .real(3), .real(1.0 / 3), .real(9_223_372_036_854_775_808),
    ]
    private static let texts: [Cell] = [
        .null, .text(""), .text("it's \"quoted\" \\ / \u{1}\u{7f}"), .text("caf\u{e9}"), .text("cafe\u{301}"), .text("null"), .text("0.30000000000000004"), .text("line\r\nline\t"),
        .text("\u{2028}🏪\u{10FFFF}"), .text(String(repeating: "long ", count: 900)),
    ]
    private static let blobs: [Cell] = [.null, .blob([]), .blob([0]), .blob(Array(0...255)), .blob([0xc3, 0x28, 0xff]), .blob([UInt8](repeating: 7, count: 5000))]

    var allColumns: [String] { keyColumns + ["stamp"] + columns.map(\.name) }

    func quoted(_ names: [String]) throws -> [String] { try names.map { try quotedIdentifier($0) } }

    func randomCells(_ random: inout RandomNumbers) -> [Cell] {
        columns.map { $0.cells[Int.random(in: 0..<$0.cells.count, using: &random)] }
    }
}
