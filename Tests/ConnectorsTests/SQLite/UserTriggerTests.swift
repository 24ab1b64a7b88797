import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import SQLite
import Testing

/// Triggers of the user's that write the captured table too: whatever order SQLite runs them in, the last change of a key is what is true.
@Suite(.serialized) struct UserTriggerTests {
    let folder: TemporaryFolder
    let database: Database
    init() throws {
        folder = try TemporaryFolder()
        database = try folder.makeSource()
    }

    enum When: CaseIterable { case before, after, temporary }

    static let bodies = [
        "AFTER INSERT ON b BEGIN UPDATE b SET upd = upd + 1 WHERE id = NEW.id; END",
        "AFTER UPDATE ON b BEGIN UPDATE b SET upd = upd + 1 WHERE id = NEW.id; END",
        "AFTER INSERT ON b BEGIN DELETE FROM b WHERE id = NEW.id AND id > 2; END",
        "AFTER UPDATE ON b BEGIN DELETE FROM b WHERE id = NEW.id; END",
        "AFTER UPDATE ON b BEGIN INSERT OR REPLACE INTO b VALUES (NEW.id, 'again', 5); END",
        "AFTER UPDATE OF id ON b BEGIN UPDATE b SET id = 77 WHERE id = NEW.id; END",
        "AFTER UPDATE OF id ON b BEGIN INSERT INTO b VALUES (OLD.id, 'stays', 0); END",
        "AFTER UPDATE OF id ON b BEGIN UPDATE b SET id = OLD.id WHERE id = NEW.id; END",
        "AFTER UPDATE ON b WHEN NEW.v = 'w' BEGIN UPDATE b SET id = 78 WHERE id = NEW.id; INSERT OR IGNORE INTO b VALUES (OLD.id, 'new', 0); END",
        "AFTER DELETE ON b BEGIN INSERT INTO b VALUES (OLD.id, 'back', 9); END",
        "BEFORE DELETE ON b BEGIN UPDATE b SET upd = 100 WHERE id = OLD.id; END",
    ]
    static let tables = [
        "CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT, upd INTEGER)", "CREATE TABLE b (id INT PRIMARY KEY, v TEXT, upd INTEGER)",
        "CREATE TABLE b (id INT PRIMARY KEY, v TEXT, upd INTEGER) WITHOUT ROWID",
    ]

    @Test(arguments: bodies, When.allCases) func endWithWhatIsTrue(body: String, when: When) throws {
        for (number, table) in Self.tables.enumerated() {
            try database.execute("\(table); INSERT INTO b VALUES (1, 'a', 0), (2, 'b', 0)")
            if when == .before { try database.execute("CREATE TRIGGER users \(body)") }
            let run = try SourceRun("SqliteSource", ConfigMap(["connection.url": "sqlite:\(folder.file("source.db"))", "topic.prefix": "p\(number)"]))
            try run.start()
            run.context.wakeUp.set()
            var copy: [Value: [Value]] = [:]
            func drain() throws {
                while true {
                    let batch = try run.poll()
                    if batch.isEmpty { return }
                    for record in batch.entries.map(\.record) {
                        guard case .structure(let key) = record.key else { continue }
                        var row: [Value]?
                        if case .structure(let envelope) = record.value, case .structure(let after)? = envelope.value(of: "after") { row = after.values }
                        copy[key.values[0]] = row
                    }
                }
            }
            try drain()
            if when == .after { try database.execute("CREATE TRIGGER users \(body)") }
            if when == .temporary { try database.execute("CREATE TEMP TRIGGER users \(body)") }
            try database.execute(
                """
                INSERT INTO b VALUES (3, 'c', 0), (4, 'd', 0); UPDATE b SET v = 'w' WHERE id = 1; UPDATE b SET id = 9 WHERE id = 2;
                INSERT OR REPLACE INTO b VALUES (3, 'e', 0); DELETE FROM b WHERE id = 4; UPDATE b SET v = 'x' WHERE id = 9
                """)
            try drain()
            run.stop()
            let select = try database.prepare("SELECT id, v, upd FROM b")
            var count = 0
            while try select.step() {
                count += 1
                let row: [Value] = [.int64(select.int64(at: 0)), .string(select.string(at: 1)), .int64(select.int64(at: 2))]
                #expect(copy[row[0]] == row, "\(table)")
            }
            #expect(copy.count == count, "\(table)")
            select.finalize()
            try database.execute("DROP TRIGGER users; DROP TABLE b; DROP TABLE connectd_b; DELETE FROM connectd WHERE name = 'table:b'")
        }
    }

    @Test func triggersOfAnEarlierVersionGetTheirNewTextOnly() throws {
        try database.execute("CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO b VALUES (1, 'a')")
        let map = ConfigMap(["connection.url": "sqlite:\(folder.file("source.db"))", "topic.prefix": "p"])
        let first = try SourceRun("SqliteSource", map)
        try first.start()
        #expect(try first.records(atLeast: 1).count == 1)
        first.stop()
        let wanted = try database.text("SELECT sql FROM sqlite_schema WHERE name = 'connectd_b_i'")
        try database.execute(
            """
            DROP TRIGGER connectd_b_i;
            CREATE TRIGGER connectd_b_i AFTER INSERT ON b BEGIN INSERT INTO connectd_b (op, k_id, a_id, a_v) VALUES ('c', NEW.id, NEW.id, NEW.v); END;
            INSERT INTO b VALUES (2, 'b')
            """)
        let second = try SourceRun("SqliteSource", map, context: first.context)
        try second.start()
        second.context.wakeUp.set()
        #expect(try database.text("SELECT sql FROM sqlite_schema WHERE name = 'connectd_b_i'") == wanted)
        #expect(try second.poll().count == 1)
        #expect(try second.poll().isEmpty)
        second.stop()
    }
}
