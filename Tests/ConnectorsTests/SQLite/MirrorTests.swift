import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import SQLite
import Testing

/// Source file → records → copy: equal by storage class and bytes.
@Suite(.serialized) struct MirrorTests {
    let folder: TemporaryFolder
    let database: Database
    init() throws {
        folder = try TemporaryFolder()
        database = try folder.makeSource()
    }

    func rows(_ file: String, _ table: String) throws -> [String] {
        let reader = try Database(path: folder.file(file), mode: .readOnly)
        defer { reader.close() }
        let name = try quotedIdentifier(table)
        let columns = try reader.prepare("SELECT name FROM pragma_table_xinfo(?1)")
        try columns.bind(text: table, at: 1)
        var names: [String] = []
        while try columns.step() { names.append(try quotedIdentifier(columns.string(at: 0))) }
        let select = try reader.prepare("SELECT \(names.map { "typeof(\($0)), \($0)" }.joined(separator: ", ")) FROM \(name)")
        var rows: [String] = []
        while try select.step() {
            var row: [String] = []
            for index in 0..<Int32(names.count) {
                let type = select.string(at: index * 2), at = index * 2 + 1
                switch type {
                case "real": row.append("real \(select.double(at: at).bitPattern)")
                case "null": row.append("null")
                case "blob": row.append("blob \(try Array(select.blob(at: at)))")
                default: row.append("\(type) \(try Array(select.text(at: at)))")
                }
            }
            rows.append(row.joined(separator: "|"))
        }
        return rows.sorted()
    }

    func mirror(_ tables: [String], _ settings: KeyValuePairs<Name, String> = [:], changes: () throws -> Void = {}) throws {
        var map = ConfigMap(["connection.url": "sqlite:\(folder.file("source.db"))", "topic.prefix": "p"])
        for (name, value) in settings { map[name] = .some(value) }
        let source = try SourceRun("SqliteSource", map)
        try source.start()
        // Polls look once and do not wait: what was committed can be seen.
        source.context.wakeUp.set()
        var topics: [Name: TestTopic] = [:]
        func drain() throws {
            while true {
                let batch = try source.poll()
                if batch.isEmpty { return }
                for record in batch.entries.map(\.record) {
                    let topic = topics[record.topic] ?? TestTopic(record.topic)
                    topics[record.topic] = topic
                    topic.records.append(record)
                }
            }
        }
        try drain()
        try changes()
        try drain()
        source.stop()
        for topic in topics.values {
            let sink = SinkRun(folder.file("copy.db"))
            try sink.write(topic, batch: 3)
            #expect(sink.reporter.letters.map(\.error) == [])
        }
        for table in tables { #expect(try rows("copy.db", table) == rows("source.db", table), "\(table)") }
    }

    static let declared = [
        ("INTEGER", ["1", "-9223372036854775808", "9223372036854775807", "NULL"]), ("BIGINT", ["9007199254740993"]), ("BOOLEAN", ["0", "1", "NULL"]),
        ("REAL", ["0.1 + 0.2", "1e300", "9e999", "-9e999", "5", "1e-320", "-0.0", "NULL"]), ("DOUBLE PRECISION", ["1.5"]),
        ("TEXT", ["''", "'it''s \"q\"'", "'e' || char(769)", "char(233)", "char(0)", "'line' || char(10)", "12", "NULL"]), ("VARCHAR(20)", ["'x'"]),
        ("BLOB", ["x''", "x'00ff'", "NULL"]), ("NUMERIC", ["12.50", "'12'", "'a'", "9e999", "'0x10'", "12345678901234567890", "NULL"]),
        ("DECIMAL(10,2)", ["'0.1'", "3", "'n/a'"]), ("DATE", ["'2024-02-29'", "1709164800"]), ("DATETIME", ["CURRENT_TIMESTAMP", "2460370.5"]),
        ("JSON", ["'{\"a\":[1,2]}'", "'5'", "NULL"]), ("UUID", ["'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'"]),
        ("", ["1", "1.0", "'1'", "x'31'", "'text \"q\"'", "9e999", "NULL", "'9e999'", "-0.0", "1e21"]), ("ANY", ["7"]),
        ("my \"odd\" type", ["'v'", "4.5"]),
    ]

    @Test(arguments: declared) func everyTypeComesOutAsItWentIn(type: String, literals: [String]) throws {
        let declaration = type.isEmpty ? "" : try quotedIdentifier(type)
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v \(declaration))")
        for literal in literals { try database.execute("INSERT INTO t (v) VALUES (\(literal))") }
        try mirror(["t"]) {
            for literal in literals { try database.execute("INSERT INTO t (v) VALUES (\(literal)); UPDATE t SET v = \(literal) WHERE id = 1") }
        }
    }

    @Test(arguments: ["ANY", "any"]) func strictColumnsOfAnyTypeKeepEveryKindOfValue(type: String) throws {
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v \(type)) STRICT; INSERT INTO t (v) VALUES ('007'), (7), (x'37'), (NULL), ('1.50')")
        try mirror(["t"]) { try database.execute("INSERT INTO t (v) VALUES ('42'), (4.5); UPDATE t SET v = '7' WHERE id = 2") }
    }

    @Test(arguments: ["TEXT PRIMARY KEY", "BLOB PRIMARY KEY", "REAL PRIMARY KEY", "PRIMARY KEY", "NUMERIC PRIMARY KEY"])
    func keysOfEveryKindFollowTheirRows(declaration: String) throws {
        try database.execute("CREATE TABLE t (k \(declaration), v TEXT) WITHOUT ROWID")
        let keys = declaration.hasPrefix("BLOB") ? ["x'01'", "x'02'", "x'03'"] : declaration.hasPrefix("REAL") ? ["1.5", "2", "9e999"] : ["'a'", "'é'", "'e' || char(769)"]
        for key in keys { try database.execute("INSERT INTO t VALUES (\(key), 'v')") }
        try mirror(["t"]) {
            try database.execute("UPDATE t SET v = 'w' WHERE k = \(keys[0]); DELETE FROM t WHERE k = \(keys[1])")
            let other = declaration.hasPrefix("BLOB") ? "x'09'" : declaration.hasPrefix("REAL") ? "77" : "'zz'"
            try database.execute("UPDATE t SET k = \(other) WHERE k = \(keys[2])")
        }
    }

    @Test func hostileNamesAreCopied() throws {
        let table = "a.b \"c'; --", column = "sel\"ect ?1 é"
        try database.execute(
            "CREATE TABLE \(quotedIdentifier(table)) (\(quotedIdentifier(column)) TEXT, \"order\" INTEGER, \"\" TEXT, PRIMARY KEY (\(quotedIdentifier(column)), \"order\")) ")
        try database.execute("INSERT INTO \(quotedIdentifier(table)) VALUES ('k', 1, 'empty name'), ('k', 2, NULL)")
        try mirror([table]) { try database.execute("UPDATE \(quotedIdentifier(table)) SET \"\" = 'x' WHERE \"order\" = 2; DELETE FROM \(quotedIdentifier(table)) WHERE \"order\" = 1") }
    }

    @Test func columnsAddedLaterAreCopied() throws {
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y')")
        try mirror(["t"]) { try database.execute("ALTER TABLE t ADD COLUMN b REAL DEFAULT 2.5; UPDATE t SET b = 3 WHERE id = 2; INSERT INTO t VALUES (3, 'z', NULL)") }
    }

    @Test func conflictsAsTaggedTextKeepEveryValue() throws {
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c BLOB); INSERT INTO t VALUES (1, 'x', x'00', 'text'), (2, 1.5, 'b', x'01')")
        try mirror(["t"], ["type.conflict": "string"])
    }
}
