import ConnectRuntime
import ConnectTesting
import Connectors
import SQLite
import Testing

/// Rows that OR REPLACE removes through a unique index, without a trigger of theirs (`replace.guard=shadow`).
@Suite(.serialized) struct ReplaceGuardTests {
    let folder: TemporaryFolder
    let database: Database
    init() throws {
        folder = try TemporaryFolder()
        database = try folder.makeSource()
    }

    private func source(_ settings: KeyValuePairs<Name, String> = [:], context: TestSourceContext = TestSourceContext()) throws -> SourceRun {
        var map = ConfigMap(["connection.url": "sqlite:\(folder.file("source.db"))", "topic.prefix": "p", "replace.guard": "shadow"])
        for (name, value) in settings { map[name] = .some(value) }
        let run = try SourceRun("SqliteSource", map, context: context)
        try run.start()
        run.context.wakeUp.set()
        return run
    }

    /// A record's operation and key.
    private func changes(_ run: SourceRun) throws -> [String] {
        var found: [String] = []
        while true {
            let batch = try run.poll()
            if batch.isEmpty { return found }
            for record in batch.entries.map(\.record) {
                guard case .structure(let key) = record.key, case .structure(let envelope) = record.value, case .string(let operation)? = envelope.value(of: "op") else { continue }
                found.append("\(operation) \(key.values.map { "\($0)" }.joined(separator: ","))")
            }
        }
    }

    private static let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT UNIQUE COLLATE NOCASE, a INTEGER, b INTEGER, note TEXT, UNIQUE (a, b))"

    /// What each statement is recorded as; the table holds 1 (x, 1, 1), 2 (y, 2, 2), 3 (z, NULL, 3) and 4 (NULL, NULL, 3).
    static let statements: [(sql: String, changes: [String])] = [
        ("INSERT OR REPLACE INTO t VALUES (9, 'X', 9, 9, 'n')", ["d int64(1)", "c int64(9)"]),
        ("REPLACE INTO t (mail, a, b) VALUES ('x', 2, 2)", ["d int64(1)", "d int64(2)", "c int64(5)"]),
        // Of the same key: the row is another one, and its key is told once.
        ("INSERT OR REPLACE INTO t VALUES (1, 'x', 1, 1, 'n')", ["c int64(1)"]),
        ("INSERT OR REPLACE INTO t VALUES (1, 'y', 1, 1, 'n')", ["d int64(2)", "c int64(1)"]),
        // NULL collides with nothing.
        ("INSERT OR REPLACE INTO t VALUES (9, NULL, NULL, 3, 'n')", ["c int64(9)"]),
        ("UPDATE OR REPLACE t SET mail = 'Y' WHERE id = 1", ["d int64(2)", "u int64(1)"]),
        ("UPDATE OR REPLACE t SET id = 8, mail = 'Y' WHERE id = 1", ["d int64(2)", "d int64(1)", "c int64(8)"]),
        ("UPDATE OR REPLACE t SET note = 'n' WHERE id = 1", ["u int64(1)"]),
        ("UPDATE OR REPLACE t SET mail = 'x'", ["u int64(1)", "d int64(1)", "u int64(2)", "d int64(2)", "u int64(3)", "d int64(3)", "u int64(4)"]),
        // What was ignored, or done as an update, removed nothing; the next statement finds nothing left of it.
        ("INSERT OR IGNORE INTO t VALUES (9, 'x', 9, 9, 'n'); DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (9, 'x', 9, 9, 'n')", ["d int64(1)", "c int64(9)"]),
        ("INSERT INTO t VALUES (9, 'x', 9, 9, 'n') ON CONFLICT (mail) DO UPDATE SET note = 'n'", ["u int64(1)"]),
        ("INSERT INTO t VALUES (9, 'x', 9, 9, 'n') ON CONFLICT (mail) DO UPDATE SET id = 8", ["d int64(1)", "c int64(8)"]),
        ("INSERT INTO t VALUES (9, 'x', 9, 9, 'n') ON CONFLICT (mail) DO NOTHING", []),
        ("PRAGMA recursive_triggers = ON; INSERT OR REPLACE INTO t VALUES (9, 'x', 9, 9, 'n'); PRAGMA recursive_triggers = OFF", ["d int64(1)", "c int64(9)"]),
    ]

    @Test(arguments: statements.indices) func everyReplacedRowIsRecordedAsDeleted(number: Int) throws {
        let (sql, expected) = Self.statements[number]
        try database.execute("\(Self.table); INSERT INTO t VALUES (1, 'x', 1, 1, ''), (2, 'y', 2, 2, ''), (3, 'z', NULL, 3, ''), (4, NULL, NULL, 3, '')")
        let run = try source()
        #expect(try changes(run).count == 4)
        try database.execute(sql)
        let found = try changes(run)
        #expect(found == expected, "\(sql)")
        run.stop()
    }

    static let tables = [
        table, "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, a INTEGER, b INTEGER, note TEXT); CREATE UNIQUE INDEX \"odd \"\"index\" ON t (mail COLLATE NOCASE); CREATE UNIQUE INDEX ab ON t (b, a DESC)",
        "CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, mail TEXT UNIQUE, a INTEGER, b INTEGER, note TEXT) WITHOUT ROWID",
    ]

    /// Any statements, with and without recursive triggers: what the records say is what the table holds.
    @Test(arguments: 0..<12) func anyStatementsEndInTheSameRows(seed: Int) throws {
        var random = RandomNumbers(seed: UInt64(seed))
        try database.execute(Self.tables[seed % Self.tables.count])
        if seed % 2 == 1 { try database.execute("PRAGMA recursive_triggers = ON") }
        let run = try source()
        var copy: [String: String] = [:], replaced = 0
        for _ in 0..<300 {
            func value(_ most: Int) -> String { random.oneIn(6) ? "NULL" : ["'\(Int.random(in: 1...most, using: &random))a'", "'\(Int.random(in: 1...most, using: &random))A'"][Int.random(in: 0...1, using: &random)] }
            let id = seed % 3 == 2 ? "'\(["a", "A", "b", "B", "c", "d", "E", "e"][Int.random(in: 0..<8, using: &random)])'" : "\(Int.random(in: 1...8, using: &random))"
            let clause = ["", " OR REPLACE", " OR REPLACE", " OR IGNORE", " OR FAIL"][Int.random(in: 0..<5, using: &random)]
            let row = "(\(id), \(value(4)), \(Int.random(in: 1...3, using: &random)), \(Int.random(in: 1...3, using: &random)), 'n')"
            let sql = switch Int.random(in: 0..<5, using: &random) {
            case 0, 1: "INSERT\(clause) INTO t VALUES \(row), \(row.replacing("'n'", with: "'m'"))"
            case 2: "UPDATE\(clause) t SET mail = \(value(4)), a = \(Int.random(in: 1...3, using: &random)) WHERE id >= \(id)"
            case 3: "INSERT INTO t VALUES \(row) ON CONFLICT (mail) DO UPDATE SET note = 'u', a = excluded.a"
            default: "DELETE FROM t WHERE id = \(id)"
            }
            let before = try database.integer("SELECT count(*) FROM t") ?? 0
            // A statement that fails may have changed some rows before (OR FAIL).
            try? database.execute(sql)
            if clause == " OR REPLACE", try (database.integer("SELECT count(*) FROM t") ?? 0) < before { replaced += 1 }
        }
        while true {
            let batch = try run.poll()
            if batch.isEmpty { break }
            for record in batch.entries.map(\.record) {
                guard case .structure(let key) = record.key else { continue }
                var row: String?
                if case .structure(let envelope) = record.value, case .structure(let after)? = envelope.value(of: "after") { row = after.values.map(Self.text).joined(separator: "|") }
                copy[key.values.map(Self.text).joined()] = row
            }
        }
        run.stop()
        var truth: [String: String] = [:]
        let select = try database.prepare("SELECT coalesce(id, 'null'), coalesce(mail, 'null'), coalesce(a, 'null'), coalesce(b, 'null'), coalesce(note, 'null') FROM t")
        while try select.step() { truth[select.string(at: 0)] = (0..<5).map { select.string(at: $0) }.joined(separator: "|") }
        select.finalize()
        #expect(copy == truth, "seed \(seed)")
        #expect(replaced > 0)
        #expect(try (database.integer("SELECT count(*) FROM connectd_t_replaced") ?? 0) <= 103)
    }

    private static func text(_ value: Value) -> String {
        switch value {
        case .int64(let number): "\(number)"
        case .string(let text): text
        default: "null"
        }
    }

    /// A table may be called so that its changes go to what would be another one's shadow table.
    @Test func anotherTablesChangesAreNoShadow() throws {
        try database.execute("\(Self.table); CREATE TABLE t_replaced (id INTEGER PRIMARY KEY, note TEXT)")
        let first = try source(["replace.guard": "accept"])
        try database.execute("INSERT INTO t VALUES (1, 'x', 1, 1, ''); INSERT INTO t_replaced VALUES (2, 'n')")
        #expect(try changes(first) == ["c int64(1)", "c int64(2)"])
        first.stop()
        let second = try source(["replace.guard": "accept"], context: first.context)
        try database.execute("INSERT INTO t VALUES (3, 'y', 3, 3, ''); INSERT INTO t_replaced VALUES (4, 'n')")
        #expect(try changes(second) == ["c int64(3)", "c int64(4)"])
        second.stop()
    }

    @Test func theShadowFollowsAnAlterationAndItsOwnLoss() throws {
        try database.execute("\(Self.table); INSERT INTO t VALUES (1, 'x', 1, 1, '')")
        let first = try source()
        #expect(try changes(first) == ["r int64(1)"])
        first.stop()
        try database.execute("ALTER TABLE t ADD COLUMN more; DROP TABLE connectd_t_replaced")
        let second = try source(context: first.context)
        _ = try changes(second)
        // A connection that dropped it itself learns that it is back with the next statement that it can run.
        _ = try database.integer("SELECT count(*) FROM t")
        try database.execute("INSERT OR REPLACE INTO t VALUES (2, 'x', 1, 1, '', 'more')")
        #expect(try changes(second) == ["d int64(1)", "c int64(2)"])
        second.stop()
        // Another connector of the same table does not end it.
        let third = try source(["replace.guard": "accept"], context: first.context)
        #expect(try changes(third).isEmpty)
        try database.execute("INSERT OR REPLACE INTO t VALUES (3, 'x', 1, 1, '', 'more')")
        #expect(try changes(third) == ["d int64(2)", "c int64(3)"])
        third.stop()
    }

    @Test func aKeyThatIsNotThePrimaryOneIsWatchedThroughThePrimaryOne() throws {
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT NOT NULL); INSERT INTO t VALUES (1, 'x')")
        let run = try source(["message.key.columns": "t:code"])
        _ = try changes(run)
        try database.execute("INSERT OR REPLACE INTO t VALUES (1, 'y')")
        #expect(try changes(run) == ["d string(\"x\")", "c string(\"y\")"])
        run.stop()
    }

    @Test(arguments: ["CREATE UNIQUE INDEX i ON t (a) WHERE b IS NULL", "CREATE UNIQUE INDEX i ON t (lower(a))"]) func whatCannotBeWatchedIsRefused(index: String) throws {
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); \(index)")
        let error = #expect(throws: ConnectError.self) { try source() }
        #expect(error?.code == "sqlite.replace_hazard")
        #expect(error?.message.contains("through i") == true)
        #expect(try database.integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'connectd%'") == 0)
    }

    /// An index that cannot be watched comes to a table that is watched: the way out that the refusal names is one.
    @Test func whatCannotBeWatchedAnyMoreCanBeAccepted() throws {
        try database.execute("\(Self.table); INSERT INTO t VALUES (1, 'x', 1, 1, '')")
        let first = try source()
        #expect(try changes(first) == ["r int64(1)"])
        first.stop()
        try database.execute("CREATE UNIQUE INDEX late ON t (a) WHERE b > 100")
        for policy in ["shadow", "refuse"] {
            let error = #expect(throws: ConnectError.self) { try source(["replace.guard": policy], context: first.context) }
            #expect(error?.code == "sqlite.replace_hazard")
            #expect(error?.suggestion?.contains("replace.guard=accept") == true)
        }
        let second = try source(["replace.guard": "accept"], context: first.context)
        try database.execute("INSERT INTO t VALUES (2, 'y', 2, 2, '')")
        #expect(try changes(second) == ["c int64(2)"])
        second.stop()
        // Once the index is gone the table is watched again.
        try database.execute("DROP INDEX late")
        let third = try source(context: first.context)
        try database.execute("INSERT OR REPLACE INTO t VALUES (3, 'x', 3, 3, '')")
        #expect(try changes(third) == ["d int64(1)", "c int64(3)"])
        third.stop()
    }

    /// What an ignored statement has left there must not be taken for rows of a table made later.
    @Test func theShadowOfADroppedTableIsEmptied() throws {
        let create = "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT NOT NULL)"
        try database.execute("\(create); INSERT INTO t VALUES (7, 'x')")
        let first = try source(["message.key.columns": "t:code"])
        _ = try changes(first)
        try database.execute("INSERT OR IGNORE INTO t VALUES (7, 'y')")
        #expect(try changes(first).isEmpty)
        first.stop()
        try database.execute("DROP TABLE t; \(create); INSERT INTO t VALUES (1, 'x')")
        let second = try source(["message.key.columns": "t:code"], context: first.context)
        _ = try changes(second)
        // Its number is not known before it is inserted.
        try database.execute("INSERT INTO t VALUES (6, 'z'); INSERT INTO t (code) VALUES ('w')")
        #expect(try changes(second) == ["c string(\"z\")", "c string(\"w\")"])
        second.stop()
    }

    /// A trigger of the user's that is newer than ours runs before it, when a replaced row is kept but not recorded yet.
    @Test func aTriggerThatTouchesTheNewRowHidesNoReplacedOne() throws {
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT NOT NULL, at INTEGER)")
        let run = try source(["message.key.columns": "t:code"])
        try database.execute("CREATE TRIGGER touch AFTER INSERT ON t BEGIN UPDATE t SET at = 1 WHERE id = NEW.id; END; INSERT INTO t VALUES (1, 'x', 0)")
        _ = try changes(run)
        try database.execute("INSERT OR REPLACE INTO t VALUES (1, 'y', 0)")
        #expect(try changes(run) == ["d string(\"x\")", "u string(\"y\")", "c string(\"y\")"])
        run.stop()
    }

    @Test func aTriggerThatChangesOneUniqueValueForgetsNoRowReplacedThroughAnother() throws {
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INTEGER UNIQUE)")
        let run = try source()
        try database.execute("CREATE TRIGGER code AFTER INSERT ON t WHEN NEW.code = 'x' BEGIN UPDATE t SET code = 'y' WHERE id = NEW.id; END; INSERT INTO t VALUES (1, 'a', 2)")
        _ = try changes(run)
        try database.execute("INSERT OR REPLACE INTO t VALUES (3, 'x', 2)")
        #expect(try changes(run) == ["d int64(1)", "u int64(3)", "c int64(3)"])
        run.stop()
    }
}
