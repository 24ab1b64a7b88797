import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import SQLite
import Testing

@Suite(.serialized) struct SqliteSourceTests {
    let folder: TemporaryFolder
    let path: String
    let database: Database

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("shop.db")
        database = try Database(path: path, mode: .create)
        _ = try database.text("PRAGMA journal_mode = WAL")
        try database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL, price REAL, picture BLOB)")
    }

    func source(_ more: KeyValuePairs<Name, String> = [:], context: TestSourceContext = TestSourceContext()) throws -> SourceRun {
        var map = ConfigMap(["connection.url": "sqlite:\(path)", "topic.prefix": "shop", "poll.interval.ms": "20"])
        for (name, value) in more { map[name] = .some(value) }
        return try SourceRun("SqliteSource", map, context: context)
    }

    func op(_ record: Record) -> String {
        if record.isTombstone { return "-" }
        guard case .structure(let envelope) = record.value, case .string(let op)? = envelope.value(of: "op") else { return "?" }
        return op
    }

    func image(_ record: Record, _ name: Name = "after") -> [Value] {
        guard case .structure(let envelope) = record.value, case .structure(let row)? = envelope.value(of: name) else { return [] }
        return row.values
    }

    func key(_ record: Record) -> [Value] {
        guard case .structure(let key) = record.key else { return [] }
        return key.values
    }

    @Test func changesCarryBothImagesInOrder() async throws {
        let run = try source()
        try run.start()
        try database.execute(
            """
            INSERT INTO orders VALUES (1, 'tea', 0.1, x'00ff'); UPDATE orders SET price = 0.1 + 0.2 WHERE id = 1;
            UPDATE orders SET id = 7 WHERE id = 1; DELETE FROM orders WHERE id = 7
            """)
        let records = try run.records(atLeast: 7)
        #expect(records.map(op) == ["c", "u", "d", "-", "c", "d", "-"])
        #expect(records.map(key) == [[.int64(1)], [.int64(1)], [.int64(1)], [.int64(1)], [.int64(7)], [.int64(7)], [.int64(7)]])
        #expect(records.allSatisfy { $0.topic == "shop.orders" })
        #expect(image(records[1], "before") == [.int64(1), .string("tea"), .float64(0.1), .bytes([0, 255])])
        #expect(image(records[1]) == [.int64(1), .string("tea"), .float64(0.1 + 0.2), .bytes([0, 255])])
        #expect(records[2].headers.map(\.name) == ["__debezium.newkey"])
        #expect(records[4].headers.map(\.name) == ["__debezium.oldkey"])
        run.stop()
        // Only what comes after the stored offset comes again.
        let again = try source(context: run.context)
        try again.start()
        try database.execute("INSERT INTO orders VALUES (8, 'x', NULL, NULL)")
        #expect(try again.records(atLeast: 1).map(op) == ["c"])
    }

    @Test func aKeyChangeHasOneOffsetForBothRecords() throws {
        try database.execute("INSERT INTO orders VALUES (1, 'a', 1, NULL)")
        let run = try source(["batch.max.rows": "1"])
        try run.start()
        _ = try run.poll()
        try database.execute("UPDATE orders SET id = 2")
        let batch = try run.poll()
        #expect(batch.count == 3)
        let offsets = batch.entries.map { entry -> Bool in
            if case .source(let origin) = entry.origin { return origin.offset != nil }
            return false
        }
        #expect(offsets == [false, false, true])
    }

    @Test func rowsThatAreThereComeFirstAndResume() throws {
        for id in 1...25 { try database.execute("INSERT INTO orders VALUES (\(id), 'i\(id)', \(id), NULL)") }
        let run = try source(["batch.max.rows": "10"])
        try run.start()
        #expect(try run.poll().entries.map { key($0.record)[0] } == (1...10).map { .int64($0) })
        run.stop()
        try database.execute("UPDATE orders SET item = 'new' WHERE id IN (3, 24)")
        let again = try source(["batch.max.rows": "10"], context: run.context)
        try again.start()
        let rest = try again.records(atLeast: 17)
        #expect(rest.map(op) == ["u", "u"] + Array(repeating: "r", count: 15))
        #expect(rest[2...].map { key($0)[0] } == (11...25).map { .int64($0) })
        #expect(image(rest[15])[1] == .string("new"))
    }

    @Test func aBackfillThatEndsWithItsPageIsDone() throws {
        for id in 1...20 { try database.execute("INSERT INTO orders VALUES (\(id), 'i', 0, NULL)") }
        let run = try source(["batch.max.rows": "10"])
        try run.start()
        _ = try run.records(atLeast: 20)
        run.stop()
        #expect(run.context.offsets.values.allSatisfy { !String(decoding: $0.json, as: UTF8.self).contains("backfill") })
    }

    @Test func changesDeletedByHandDoNotMakeAnIncompleteCopy() throws {
        try source().start()
        try database.execute("INSERT INTO orders VALUES (1, 'a', 0, NULL), (2, 'b', 0, NULL); DELETE FROM connectd_orders WHERE seq = 1")
        let run = try source()
        try run.start()
        #expect(try run.records(atLeast: 2).map(op) == ["r", "r"])
    }

    @Test func armingTwiceChangesNothing() throws {
        let run = try source()
        try run.start()
        run.stop()
        let before = try database.integer("PRAGMA schema_version")
        let again = try source()
        try again.start()
        again.stop()
        #expect(try database.integer("PRAGMA schema_version") == before)
        #expect(try database.integer("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'") == 3)
    }

    @Test func aNewColumnArmsAnewAndBringsItsValues() throws {
        let run = try source()
        try run.start()
        try database.execute("INSERT INTO orders VALUES (1, 'a', 1, NULL), (2, 'b', 2, NULL)")
        #expect(try run.records(atLeast: 2).count == 2)
        try database.execute("UPDATE orders SET item = 'old shape' WHERE id = 1; ALTER TABLE orders ADD COLUMN note DEFAULT 5; UPDATE orders SET note = 'late' WHERE id = 2")
        let records = try run.records(atLeast: 4)
        #expect(records.map(op) == ["u", "u", "r", "r"])
        #expect(image(records[0]).count == 4)
        #expect(image(records[2]).last == .string("5"))
        #expect(image(records[3]).last == .string("\"late\""))
        try database.execute("UPDATE orders SET note = x'ff' WHERE id = 2")
        let next = try run.records(atLeast: 1)
        #expect(image(next[0]).last == .string("{\"blob\":\"/w==\"}"))
    }

    @Test func aTableThatComesLaterIsCaptured() throws {
        let run = try source(["table.include.list": "orders,ev.*"])
        try run.start()
        try database.execute("CREATE TABLE events (id INTEGER PRIMARY KEY); INSERT INTO events VALUES (1)")
        let records = try run.records(atLeast: 1)
        #expect(records.map(\.topic) == ["shop.events"])
    }

    @Test(arguments: [
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO t VALUES (1, 'x')", "column v of table t is declared INTEGER and should hold an integer, but the row with id = 1 holds a text"),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, CAST(x'ff' AS TEXT))", "holds a text that is not UTF-8"),
        ("CREATE TABLE t (id TEXT PRIMARY KEY); INSERT INTO t VALUES (NULL)", "NULL in its key column id"),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, v BOOLEAN); INSERT INTO t VALUES (1, 2)", "should hold 0 or 1"),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); INSERT INTO t VALUES (1, 'x')", "should hold a blob"),
    ])
    func aValueThatDoesNotFitIsNamed(sql: String, words: String) throws {
        try database.execute(sql)
        let run = try source(["table.include.list": "t"])
        try run.start()
        let error = #expect(throws: ConnectError.self) { try run.poll() }
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
        #expect(error?.kind == .fatal)
    }

    @Test func conflictsTravelAsTextOrNullWhenAskedTo() throws {
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO t VALUES (1, 'x'), (2, 3)")
        let text = try source(["table.include.list": "t", "type.conflict": "string"])
        try text.start()
        #expect(try text.records(atLeast: 2).map { image($0)[1] } == [.string("\"x\""), .string("3")])
        let null = try source(["table.include.list": "t", "type.conflict": "null"])
        try null.start()
        #expect(try null.records(atLeast: 2).map { image($0)[1] } == [.null, .int64(3)])
        #expect(null.context.log.all.contains { $0.contains("delivered as null") })
    }

    @Test func replaceHazardsAreRefused() throws {
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT UNIQUE)")
        let error = #expect(throws: ConnectError.self) { try source(["table.include.list": "t"]).start() }
        #expect(error?.code == "sqlite.replace_hazard")
        #expect(try database.integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'connectd%'") == 0)
        try source(["table.include.list": "t", "replace.guard": "accept"]).start()
    }

    @Test func whatIsMissingOrNoDatabaseIsSaid() throws {
        func failure(_ url: String, _ more: KeyValuePairs<Name, String> = [:]) -> ConnectError? {
            #expect(throws: ConnectError.self) {
                var map = ConfigMap(["connection.url": url, "topic.prefix": "p"])
                for (name, value) in more { map[name] = .some(value) }
                try SourceRun("SqliteSource", map).start()
            }
        }
        #expect(failure("sqlite:\(folder.file("none.db"))")?.code == "sqlite.missing")
        #expect(!FileManager.default.fileExists(atPath: folder.file("none.db")))
        try Data(repeating: 65, count: 4096).write(to: URL(fileURLWithPath: folder.file("text.db")))
        #expect(failure("jdbc:sqlite:\(folder.file("text.db"))")?.code == "sqlite.not_a_database")
        let table = failure("sqlite:\(path)", ["table.include.list": "order"])
        #expect(table?.code == "sqlite.missing_table")
        #expect(table?.suggestion?.contains("orders") == true)
    }

    @Test func hostileNamesWork() throws {
        let name = "or\"ders'; DROP TABLE orders; --", column = "e\u{301} \"q\" ?1"
        try database.execute(
            "CREATE TABLE \(quotedIdentifier(name)) (\(quotedIdentifier(column)) TEXT PRIMARY KEY, \"seq\" INTEGER, \"op\" INTEGER, \"select\" INTEGER)")
        let run = try source(["table.exclude.list": "orders"])
        try run.start()
        try database.execute("INSERT INTO \(quotedIdentifier(name)) VALUES ('k', 1, 2, 3); UPDATE \(quotedIdentifier(name)) SET seq = 9")
        let records = try run.records(atLeast: 2)
        #expect(records.map(op) == ["c", "u"])
        #expect(image(records[1]) == [.string("k"), .int64(9), .int64(2), .int64(3)])
        #expect(records[0].topic == "shop.or_ders___DROP_TABLE_orders__--")
        guard case .structure(let envelope) = records[0].value, case .structure(let block)? = envelope.value(of: "source") else { throw ConnectError(.fatal, code: "test", "no envelope with a source") }
        #expect(block.value(of: "table") == .string(name))
        #expect(try database.integer("SELECT count(*) FROM orders") == 0)
    }

    @Test func anOlderCopyIsNoticed() throws {
        let run = try source()
        try run.start()
        try database.execute("INSERT INTO orders VALUES (1, 'a', 1, NULL)")
        _ = try run.records(atLeast: 1)
        run.stop()
        try database.execute("DELETE FROM connectd_orders; UPDATE sqlite_sequence SET seq = 0")
        let error = #expect(throws: ConnectError.self) { try source(context: run.context).start() }
        #expect(error?.code == "sqlite.history_lost")
        let earliest = try source(["on.history.lost": "earliest"], context: run.context)
        try earliest.start()
        #expect(try earliest.records(atLeast: 1).map(op) == ["r"])
    }

    @Test func anotherFileUnderTheSameNameIsNoticed() throws {
        let run = try source()
        try run.start()
        try database.execute("INSERT INTO orders VALUES (1, 'a', 1, NULL)")
        _ = try run.records(atLeast: 1)
        let other = try Database(path: folder.file("other.db"), mode: .create)
        try other.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)")
        other.close()
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        try FileManager.default.moveItem(atPath: folder.file("other.db"), toPath: path)
        let error = #expect(throws: ConnectError.self) { for _ in 0..<10 { _ = try run.poll() } }
        #expect(error?.code == "sqlite.history_lost")
    }

    @Test func eventTablesAreTailedWithoutAWrite() throws {
        try database.execute("CREATE TABLE log (n INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT); INSERT INTO log (what) VALUES ('a'), ('b')")
        let run = try source(["table.include.list": "log", "capture": "events"])
        let before = try database.integer("PRAGMA schema_version")
        try run.start()
        #expect(try run.records(atLeast: 2).map { image($0)[1] } == [.string("a"), .string("b")])
        try database.execute("INSERT INTO log (what) VALUES ('c')")
        #expect(try run.records(atLeast: 1).map { key($0)[0] } == [.int64(3)])
        #expect(try database.integer("PRAGMA schema_version") == before)
        let error = #expect(throws: ConnectError.self) { try source(["table.include.list": "orders", "capture": "events"]).start() }
        #expect(error?.code == "sqlite.no_autoincrement")
    }

    @Test func theFlatShapeIsTheRowAlone() throws {
        let run = try source(["value.shape": "flat"])
        try run.start()
        try database.execute("INSERT INTO orders VALUES (1, 'a', 1, NULL); DELETE FROM orders")
        let records = try run.records(atLeast: 2)
        guard case .structure(let row) = records[0].value else { return #expect(Bool(false)) }
        #expect(row.values[1] == .string("a"))
        #expect(records[1].isTombstone)
    }

    @Test func theUsersWALIsNeverCheckpointedOrCutShort() throws {
        try database.execute("PRAGMA wal_autocheckpoint = 0; INSERT INTO orders VALUES (1, 'a', 1, NULL)")
        let size = { (try FileManager.default.attributesOfItem(atPath: self.path)[.size] as? Int) ?? 0 }
        let before = try size()
        let run = try source()
        try run.start()
        _ = try run.records(atLeast: 1)
        run.stop()
        #expect(try size() == before)
        #expect(FileManager.default.fileExists(atPath: path + "-wal"))
    }

    @Test func prunedChangesAreNotMissed() throws {
        let run = try source(["prune": "true"])
        try run.start()
        try database.execute("INSERT INTO orders VALUES (1, 'a', 1, NULL), (2, 'a', 1, NULL)")
        _ = try run.records(atLeast: 2)
        try run.committed()
        #expect(try database.integer("SELECT count(*) FROM connectd_orders") == 0)
        try database.execute("INSERT INTO orders VALUES (3, 'a', 1, NULL)")
        #expect(try run.records(atLeast: 1).map { key($0)[0] } == [.int64(3)])
        run.stop()
        let fresh = try source()
        try fresh.start()
        #expect(try fresh.records(atLeast: 3).map(op) == ["r", "r", "r"])
    }

    @Test func rowsFillInExactlyWhileOthersWrite() async throws {
        for id in 1...300 { try database.execute("INSERT INTO orders VALUES (\(id), 'first', 0, NULL)") }
        let path = self.path
        let run = try source(["batch.max.rows": "7"])
        try run.start()
        async let written: [Void] = withThrowingTaskGroup(of: Void.self) { group in
            for seed in 0..<3 {
                group.addTask {
                    try await onThread {
                        let writer = try Database(path: path, mode: .readWrite, busyTimeout: 30_000)
                        defer { writer.close() }
                        var random = RandomNumbers(seed: UInt64(seed))
                        for number in 0..<150 {
                            let id = Int.random(in: 1...320, using: &random)
                            try writer.execute(
                                [
                                    "INSERT OR REPLACE INTO orders VALUES (\(id), 'w\(seed).\(number)', \(number), NULL)", "DELETE FROM orders WHERE id = \(id)",
                                    "UPDATE OR IGNORE orders SET id = \(id) + 1 WHERE id = \(id)",
                                ].randomElement(using: &random) ?? "")
                        }
                    }
                }
            }
            var done: [Void] = []
            for try await one in group { done.append(one) }
            return done
        }
        var copy: [Value: [Value]] = [:]
        func apply(_ records: [Record]) {
            for record in records where !record.isTombstone {
                copy[key(record)[0]] = op(record) == "d" ? nil : image(record)
            }
        }
        for _ in 0..<30 { apply(try run.poll().entries.map(\.record)) }
        _ = try await written
        while true {
            let batch = try run.poll()
            if batch.isEmpty { break }
            apply(batch.entries.map(\.record))
        }
        let select = try database.prepare("SELECT id, item FROM orders")
        var count = 0
        while try select.step() {
            count += 1
            #expect(copy[.int64(select.int64(at: 0))]?[1] == .string(select.string(at: 1)))
        }
        #expect(copy.count == count)
    }
}
