import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import SQLite
import Testing

@Suite(.serialized) struct SqliteSinkTests {
    let folder: TemporaryFolder
    let path: String
    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("copy.db")
    }

    static let key = Schema.structure("k", fields: [.init("id", .plain(.int64))])
    static let row = Schema.structure("r", fields: [.init("id", .plain(.int64)), .init("v", .plain(.int64, optional: true)), .init("s", .plain(.string, optional: true))])

    static func flat(_ id: Int64, _ v: Int64?, _ s: String? = nil) -> Record {
        Record(
            topic: "t", keySchema: key, key: .structure(Struct(key, [.int64(id)])), valueSchema: row,
            value: .structure(Struct(row, [.int64(id), v.map { .int64($0) } ?? .null, s.map { .string($0) } ?? .null])))
    }
    static func gone(_ id: Int64) -> Record { Record(topic: "t", keySchema: key, key: .structure(Struct(key, [.int64(id)]))) }

    func topic(_ records: [Record]) -> TestTopic {
        let topic = TestTopic("t")
        topic.records = records
        return topic
    }

    func query(_ sql: String) throws -> String? {
        let database = try Database(path: path, mode: .readOnly)
        defer { database.close() }
        return try database.text(sql)
    }
    var content: String { get throws { try query("SELECT group_concat(id || ':' || coalesce(v, '-'), ' ') FROM (SELECT * FROM t ORDER BY id)") ?? "" } }

    func make(_ sql: String) throws {
        let database = try Database(path: path, mode: .create)
        try database.execute(sql)
        database.close()
    }

    /// So a task may be started again beside a former run that is stuck.
    @Test func saysThatItsTargetFencesByEpoch() throws {
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find("SqliteSink") { $0 == .sink })
        guard case .sink(let make) = plugin.factory else { throw ConnectError(.fatal, code: "test", "SqliteSink is no sink") }
        #expect(make().fencesByEpoch(try plugin.definition.parsed(ConfigMap(["connection.url": "sqlite:copy.db"]))))
    }

    /// What is missing in it is said, since the sink itself cannot know.
    @Test(arguments: [false, true]) func aTableThatVanishedIsMadeAnewWithAWarning(isRestarted: Bool) throws {
        let topic = topic([Self.flat(1, 1), Self.flat(2, 2)])
        let run = SinkRun(path)
        try run.start()
        _ = try run.task.open([topic.assigned])
        try run.task.put(topic.batch(from: 0, count: 1))
        #expect(run.context.log.all.contains { $0.hasPrefix("info: made table t") })
        try make("DROP TABLE t")
        var second = run
        if isRestarted {
            run.task.stop()
            second = SinkRun(path)
            try second.start()
            _ = try second.task.open([topic.assigned])
        }
        try second.task.put(topic.batch(from: 1, count: 1))
        #expect(second.context.log.all.contains { $0.hasPrefix("warning: ") && $0.contains("reset its offsets") }, "\(second.context.log.all)")
        #expect(try content == "2:2")
        second.task.stop()
    }

    @Test func aKeyThatIsNoIntegerIsNamed() throws {
        try make("CREATE TABLE t (id INTEGER PRIMARY KEY, v INT, s TEXT)")
        let key = Schema.structure("k", fields: [.init("id", .plain(.string))])
        let topic = topic([Record(topic: "t", keySchema: key, key: .structure(Struct(key, [.string("x")])), valueSchema: Self.row, value: .structure(Struct(Self.row, [.int64(1), .null, .null])))])
        let run = SinkRun(path)
        try run.write(topic)
        #expect(run.reporter.letters.first?.error.message.contains("INTEGER PRIMARY KEY takes integers only") == true, "\(run.reporter.letters)")
    }

    @Test func rowsFollowTheirKeys() throws {
        let run = SinkRun(path)
        try run.write(topic([Self.flat(2, 1), Self.flat(1, 1), Self.flat(2, 2), Self.gone(1), Self.flat(3, nil)]))
        #expect(try content == "2:2 3:-")
        #expect(try query("SELECT next_offset || '/' || epoch || '/' || last_log_epoch FROM connectd_sink_offset") == "5/1/0")
        #expect(try query("PRAGMA journal_mode") == "wal")
    }

    @Test(arguments: [false, true]) func aFileThatIsNotTheOneClaimedTakesNothing(isReplaced: Bool) throws {
        let topic = topic([Self.flat(1, 1), Self.flat(2, 2), Self.flat(3, 3)])
        let run = SinkRun(path)
        try run.start()
        _ = try run.task.open([topic.assigned])
        try run.task.put(topic.batch(from: 0, count: 1))
        let aside = path + ".aside"
        for suffix in ["", "-wal", "-shm"] { try FileManager.default.moveItem(atPath: path + suffix, toPath: aside + suffix) }
        if isReplaced { try make("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, s TEXT)") }
        #expect { try run.task.put(topic.batch(from: 1, count: 1)) } throws: { ($0 as? ConnectError)?.kind == .retriable }
        let again = #expect(throws: ConnectError.self) { try run.task.put(topic.batch(from: 1, count: 1)) }
        #expect(again?.code == (isReplaced ? "sink.target_replaced" : "sink.target_gone"))
        #expect(FileManager.default.fileExists(atPath: path) == isReplaced)
        if isReplaced { return }
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: aside + suffix) {
            try FileManager.default.moveItem(atPath: aside + suffix, toPath: path + suffix)
        }
        try run.task.put(topic.batch(from: 1, count: 2))
        run.task.stop()
        #expect(try content == "1:1 2:2 3:3")
    }

    /// Making or changing a table has all tables looked at anew: changes taken before must not be forgotten with them.
    @Test func aTableThatChangesInTheMiddleOfABatchLosesNothing() throws {
        let wide = Schema.structure("w", fields: [.init("id", .plain(.int64)), .init("v", .plain(.int64)), .init("extra", .plain(.int64, optional: true))])
        func wider(_ id: Int64) -> Record {
            Record(
                topic: "t", keySchema: Self.key, key: .structure(Struct(Self.key, [.int64(id)])), valueSchema: wide,
                value: .structure(Struct(wide, [.int64(id), .int64(id), .int64(9)])))
        }
        let run = SinkRun(path)
        try run.write(topic([Self.flat(1, 1), Self.flat(2, 2), wider(3), Self.flat(4, 4), Self.gone(2), wider(5)]))
        #expect(try content == "1:1 3:3 4:4 5:5")
    }

    @Test func anExistingFileKeepsItsJournalModeAndItsTable() throws {
        try make("CREATE TABLE T (ID INTEGER PRIMARY KEY, V, S, more DEFAULT 7); INSERT INTO T VALUES (1, 0, '', 5)")
        try SinkRun(path).write(topic([Self.flat(1, 9), Self.flat(2, 9)]))
        #expect(try query("PRAGMA journal_mode") == "delete")
        #expect(try query("SELECT group_concat(ID || V || more, ',') FROM T") == "195,297")
    }

    @Test func whatWasWrittenIsNotWrittenAgain() throws {
        let topic = topic((0..<10).map { Self.flat($0, $0) })
        try SinkRun(path, ["insert.mode": "insert"]).write(topic, batch: 4)
        let again = SinkRun(path, ["insert.mode": "insert"])
        try again.start()
        let position = try again.task.open([topic.assigned])
        #expect(position == [topic.partition: 10])
        try again.task.put(topic.batch(from: 0, count: 10))
        #expect(again.reporter.letters.isEmpty)
        #expect(try query("SELECT count(*) FROM t") == "10")
    }

    @Test func badRecordsAreReportedInOrderAndTheRestIsThere() throws {
        try make("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER CHECK (v >= 0), s TEXT)")
        let run = SinkRun(path)
        try run.write(topic((0..<1000).map { Self.flat($0, $0 % 2 == 0 ? $0 : -1) }))
        #expect(run.reporter.letters.map(\.offset) == (0..<500).map { $0 * 2 + 1 })
        #expect(try query("SELECT count(*) FROM t") == "500")
        #expect(run.reporter.letters.first?.error.message.contains("t/0 offset 1") == true)
    }

    @Test func withoutToleranceTheFirstBadRecordIsNamedAndNothingStays() throws {
        try make("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER CHECK (v >= 0), s TEXT)")
        let run = SinkRun(path, reports: false)
        let error = #expect(throws: ConnectError.self) { try run.write(topic([Self.flat(0, 0), Self.flat(5, -1), Self.flat(1, -1)])) }
        #expect(error?.kind == .data)
        #expect(error?.message.contains("t/0 offset 1") == true)
        #expect(try query("SELECT count(*) FROM t") == "0")
    }

    @Test func whatABadRecordSupersededTakesItsPlace() throws {
        try make("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER CHECK (v >= 0), s TEXT); INSERT INTO t VALUES (2, 5, '')")
        let run = SinkRun(path)
        try run.write(topic([Self.flat(1, 1), Self.flat(1, -1), Self.flat(1, -2), Self.gone(2), Self.flat(2, -1), Self.flat(3, -1)]))
        #expect(try content == "1:1")
        #expect(run.reporter.letters.map(\.offset) == [1, 2, 4, 5])
    }

    @Test func aTriggerThatEndsTheTransactionCostsOnlyItsRecord() throws {
        try make(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, s TEXT); CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.v < 0 BEGIN SELECT RAISE(ROLLBACK, 'not so'); END")
        let run = SinkRun(path)
        try run.write(topic([Self.flat(1, 1), Self.flat(2, -1), Self.flat(3, 3), Self.flat(4, -1)]))
        #expect(try content == "1:1 3:3")
        #expect(run.reporter.letters.map(\.offset) == [1, 3])
    }

    @Test func swapsOfUniqueValuesKeepTheirOrder() throws {
        try make("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER UNIQUE, s TEXT)")
        let run = SinkRun(path)
        try run.write(topic([Self.flat(1, 1), Self.flat(2, 2), Self.flat(2, 3), Self.flat(1, 2), Self.flat(2, 1)]))
        #expect(try content == "1:2 2:1")
        #expect(run.reporter.letters.isEmpty)
    }

    @Test func rowsWithFewerColumnsDoNotForgetTheOthers() throws {
        try make("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, s TEXT DEFAULT 'd')")
        func json(_ members: [(String, Value)]) -> Record {
            Record(topic: "t", keySchema: Self.key, key: .structure(Struct(Self.key, [.int64(1)])), value: .map(members.map { .init(key: .string($0.0), value: $0.1) }))
        }
        let run = SinkRun(path)
        try run.write(topic([json([("v", .int64(1)), ("s", .string("x"))]), json([("v", .int64(2))])]))
        #expect(try query("SELECT v || s FROM t") == "2x")
        let other = topic([json([("s", .string("y"))]), Self.gone(1), json([("v", .int64(3))])])
        try SinkRun(path, ["on.topic.recreated": "reset"]).write(other)
        #expect(try query("SELECT v || s FROM t") == "3d")
    }

    @Test func recordsWithoutSchemaNeedATable() throws {
        let value = Value.map([.init(key: .string("id"), value: .int64(1)), .init(key: .string("x"), value: .string("a"))])
        let record = Record(topic: "t", value: value)
        let run = SinkRun(path, ["pk.mode": "record_value", "pk.fields": "id"])
        try run.write(topic([record]))
        #expect(run.reporter.letters.map(\.error.code) == ["sink.no_schema"])
        try make("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
        let again = SinkRun(path, ["pk.mode": "record_value", "pk.fields": "id", "on.topic.recreated": "reset"])
        try again.write(topic([record]))
        #expect(try query("SELECT id || x FROM t") == "1a")
    }

    @Test func otherKeyModes() throws {
        try SinkRun(path, ["pk.mode": "kafka", "delete.enabled": "false"]).write(topic([Self.flat(1, 1), Self.flat(1, 2), Self.gone(1)]))
        #expect(try query("SELECT group_concat(__connect_topic || __connect_partition || __connect_offset || v, ' ') FROM t") == "t001 t012")
        let plain = Record(topic: "u", keySchema: .plain(.string), key: .string("k"), valueSchema: Self.row, value: Self.flat(1, 2).value)
        let other = TestTopic("u")
        other.records = [plain]
        try SinkRun(path, ["pk.fields": "name"]).write(other)
        #expect(try query("SELECT name || id || v FROM u") == "k12")
        let updates = TestTopic("w")
        updates.records = [Self.flat(1, 2)]
        try make("CREATE TABLE w (id INTEGER PRIMARY KEY, v, s); INSERT INTO w VALUES (1, 0, ''), (2, 0, '')")
        try SinkRun(path, ["insert.mode": "update", "table.name.format": "w"]).write(updates)
        #expect(try query("SELECT group_concat(id || v) FROM w") == "12,20")
    }

    @Test(arguments: [("auto.create", "sink.missing_table"), ("auto.evolve", "sink.missing_column")])
    func nothingIsMadeWhereThatIsOff(setting: String, code: String) throws {
        if setting == "auto.evolve" { try make("CREATE TABLE t (id INTEGER PRIMARY KEY)") }
        let run = setting == "auto.create" ? SinkRun(path, ["auto.create": "false"]) : SinkRun(path, ["auto.evolve": "false"])
        try run.write(topic([Self.flat(1, 1)]))
        #expect(run.reporter.letters.map(\.error.code) == [code])
    }

    @Test func aTombstoneFindsItsTableByTheKeysSchema() throws {
        let key = Schema(
            .structure, name: "p.orders.Key", parameters: SourceTableParameters.make(database: "d", schema: "main", table: "orders"),
            fields: [.init("id", .plain(.int64))])
        try make("CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2)")
        let topic = TestTopic("p.orders")
        topic.records = [Record(topic: "p.orders", keySchema: key, key: .structure(Struct(key, [.int64(1)])))]
        try SinkRun(path).write(topic)
        #expect(try query("SELECT group_concat(id) FROM orders") == "2")
    }

    @Test func aFilteredEndMovesThePositionToo() throws {
        let topic = topic([Self.flat(1, 1)])
        let run = SinkRun(path)
        try run.start()
        _ = try run.task.open([topic.assigned])
        try run.task.put(topic.batch(from: 0, count: 1))
        let committed = try run.task.preCommit([topic.partition: CommittedOffset(offset: 9, leaderEpoch: 0)])
        #expect(committed == [topic.partition: CommittedOffset(offset: 9, leaderEpoch: 0, metadata: SinkResume.groupMetadata)])
        #expect(try query("SELECT next_offset FROM connectd_sink_offset") == "9")
    }

    @Test func aTaskWhosePartitionWasClaimedWritesNothingMore() throws {
        let topic = topic([Self.flat(1, 1), Self.flat(2, 2)])
        let zombie = SinkRun(path), heir = SinkRun(path)
        try zombie.start()
        _ = try zombie.task.open([topic.assigned])
        try zombie.task.put(topic.batch(from: 0, count: 1))
        try heir.start()
        #expect(try heir.task.open([topic.assigned]) == [topic.partition: 1])
        let error = #expect(throws: ConnectError.self) { try zombie.task.put(topic.batch(from: 1, count: 1)) }
        #expect(error?.kind == .fenced)
        try heir.task.put(topic.batch(from: 1, count: 1))
        #expect(try content == "1:1 2:2")
    }

    @Test func aClaimWaitsForAZombiesOpenTransaction() async throws {
        let path = self.path
        try await onThread {
            let topic = TestTopic("t")
            topic.records = [SqliteSinkTests.flat(1, 1), SqliteSinkTests.flat(2, 2)]
            let zombie = SinkRun(path), heir = SinkRun(path, ["lock.timeout.ms": "0"])
            try zombie.start()
            _ = try zombie.task.open([topic.assigned])
            try heir.start()
            var found: [TopicPartition: Int64]?
            zombie.task.fault = { statement in
                guard statement == "commit" else { return }
                let error = #expect(throws: ConnectError.self) { try heir.task.open([topic.assigned]) }
                #expect(error?.kind == .retriable)
            }
            try zombie.task.put(topic.batch(from: 0, count: 1))
            found = try heir.task.open([topic.assigned])
            #expect(found == [topic.partition: 1])
            #expect(throws: ConnectError.self) { try zombie.task.put(topic.batch(from: 1, count: 1)) }
        }
    }

    @Test func refusedPositionsLeaveTheTargetAlone() throws {
        try SinkRun(path).write(topic([Self.flat(1, 1)]))
        let other = topic([Self.flat(9, 9)])
        let error = #expect(throws: ConnectError.self) { try SinkRun(path).write(other) }
        #expect(error?.code == "sink.topic_recreated")
        #expect(try query("SELECT epoch FROM connectd_sink_offset") == "1")
    }

    @Test func aFileThatIsNoDatabaseIsSaid() throws {
        try Data(repeating: 65, count: 4096).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: ConnectError.self) { try SinkRun(path).start() }
        #expect(error?.code == "sqlite.not_a_database")
    }

    @Test func reservedTablesAreNotWritten() throws {
        let run = SinkRun(path, ["table.name.format": "connectd_sink_offset"])
        try run.write(topic([Self.flat(1, 1)]))
        #expect(run.reporter.letters.map(\.error.code) == ["sink.reserved_table"])
    }
}
