import ConnectRuntime
import ConnectTesting
import Connectors
import EmbeddedLog
import SQLite
import Testing

/// Two files with a worker between them.
private final class OffsetPipe {
    let folder: TemporaryFolder
    let database: Database
    let log: EmbeddedLog
    let herder: StandaloneHerder

    init() throws {
        folder = try TemporaryFolder()
        database = try Database(path: folder.file("source.db"), mode: .create)
        _ = try database.text("PRAGMA journal_mode = WAL")
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
        log = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder.file("data")))
        herder = StandaloneHerder(
            settings: try WorkerSettings(ConfigMap(["offset.flush.interval.ms": "20"])), log: log, configStore: log.configStore,
            catalogue: PluginCatalogue(ConnectorCatalogue.plugins + BuiltInConverters.plugins), environment: Environment([:]), logger: .silent)
        try herder.start(workerID: "127.0.0.1:8083")
    }

    func create() throws {
        let source = ConfigMap(["connector.class": "SqliteSource", "connection.url": "sqlite:\(folder.file("source.db"))", "topic.prefix": "p"])
        let sink = ConfigMap([
            "connector.class": "SqliteSink", "connection.url": "sqlite:\(folder.file("copy.db"))", "topics": "p.t", "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": "bad", "transforms": "", "tasks.max": "2",
        ])
        _ = try herder.put("src", source, initialState: nil, replacing: false)
        _ = try herder.put("snk", sink, initialState: nil, replacing: false)
    }

    func stop() {
        herder.stop()
        log.close()
    }

    func set(_ state: TargetState, _ names: Name...) throws {
        let wanted: Status.State = state == .stopped ? .stopped : .running
        for name in names { try herder.setTargetState(name, state) }
        for name in names { #expect(eventually { (try? herder.status(name))?.connector.status.state == wanted }) }
    }

    func copied() -> Int64? {
        guard let copy = try? Database(path: folder.file("copy.db"), mode: .readOnly) else { return nil }
        defer { copy.close() }
        return try? copy.integer("SELECT sum(n) FROM t")
    }

    func change(_ sql: String) throws {
        let copy = try Database(path: folder.file("copy.db"), mode: .readWrite, busyTimeout: 5000)
        defer { copy.close() }
        try copy.execute(sql)
    }

    var committed: Int64? { (try? log.committedOffsets(group: "connect-snk"))?[TopicPartition("p.t", 0)]?.offset }
}

/// Offsets moved by hand, from file to file through a real log: what was copied is copied again, and nothing else.
@Suite(.serialized) struct OffsetResetTests {
    @Test func aResetSinkFillsItsTargetAgain() async throws {
        try await onThread {
            let pipe = try OffsetPipe()
            defer { pipe.stop() }
            try pipe.create()
            #expect(eventually { pipe.copied() == 6 && pipe.committed == 3 })
            #expect(throws: HerderError.self) { try pipe.herder.alterOffsets("snk", nil) }
            try pipe.set(.stopped, "snk")
            try pipe.change("DELETE FROM t")
            #expect(try pipe.herder.alterOffsets("snk", nil))
            #expect(try pipe.herder.offsets("snk").isEmpty)
            try pipe.set(.started, "snk")
            #expect(eventually { pipe.copied() == 6 })
        }
    }

    @Test func aSinkGoesOnWhereItWasMovedTo() async throws {
        try await onThread {
            let pipe = try OffsetPipe()
            defer { pipe.stop() }
            try pipe.create()
            #expect(eventually { pipe.copied() == 6 && pipe.committed == 3 })
            try pipe.set(.stopped, "snk")
            try pipe.change("DELETE FROM t")
            let place = JSON.object([JSON.Member("kafka_topic", .string("p.t")), JSON.Member("kafka_partition", .string("0"))])
            func offset(_ number: Int64) -> [ConnectorOffset] { [ConnectorOffset(partition: place, offset: .object([JSON.Member("kafka_offset", .integer(number))]))] }
            #expect(throws: HerderError(.badRequest, "Offset 4 of p.t/0 is beyond its end, which is 3")) { try pipe.herder.alterOffsets("snk", offset(4)) }
            #expect(try pipe.herder.alterOffsets("snk", offset(1)))
            try pipe.set(.started, "snk")
            #expect(eventually { pipe.copied() == 5 })
        }
    }

    @Test func aResetSourceDeliversItsRowsAgain() async throws {
        try await onThread {
            let pipe = try OffsetPipe()
            defer { pipe.stop() }
            try pipe.create()
            #expect(eventually { pipe.copied() == 6 })
            try pipe.set(.stopped, "src")
            #expect(try pipe.herder.offsets("src").map(\.partition.serializedText) == [#"{"table":"t"}"#])
            #expect(try pipe.herder.alterOffsets("src", nil))
            #expect(try pipe.herder.offsets("src").isEmpty)
            #expect(try pipe.log.bounds(of: TopicPartition("p.t", 0)).end == 3)
            try pipe.set(.started, "src")
            #expect(eventually { (try? pipe.log.bounds(of: TopicPartition("p.t", 0)).end) == 6 })
            #expect(eventually { pipe.committed == 6 && pipe.copied() == 6 })
        }
    }

    /// Somebody else reads on behalf of the group: neither the target nor the group is moved.
    @Test func aGroupWithMembersIsLeftAlone() async throws {
        try await onThread {
            let pipe = try OffsetPipe()
            defer { pipe.stop() }
            try pipe.create()
            #expect(eventually { pipe.copied() == 6 && pipe.committed == 3 })
            try pipe.set(.stopped, "snk")
            let other = try pipe.log.openConsumer(ConsumerOptions(group: "connect-snk"))
            try other.subscribe(.topics(["p.t"]))
            do {
                _ = try pipe.herder.alterOffsets("snk", nil)
                #expect(Bool(false), "moved")
            } catch { #expect("\(error)".contains("still has members")) }
            other.close()
            let copy = try Database(path: pipe.folder.file("copy.db"), mode: .readOnly)
            defer { copy.close() }
            #expect(try copy.integer("SELECT next_offset FROM connectd_sink_offset WHERE topic = 'p.t'") == 3)
            #expect(try pipe.herder.alterOffsets("snk", nil))
        }
    }

    /// Bad records that are read again are dead-lettered again: the rows that would say "written already" went with the reset.
    @Test func deadLettersBeginAnew() async throws {
        try await onThread {
            let pipe = try OffsetPipe()
            defer { pipe.stop() }
            try pipe.create()
            #expect(eventually { pipe.copied() == 6 })
            try pipe.change("CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.n > 90 BEGIN SELECT RAISE(ABORT, 'too much'); END")
            try pipe.database.execute("INSERT INTO t VALUES (9, 99)")
            let bad = TopicPartition("bad", 0)
            #expect(eventually { (try? pipe.log.bounds(of: bad).end) == 1 })
            try pipe.set(.stopped, "snk")
            #expect(try pipe.herder.alterOffsets("snk", nil))
            #expect(try pipe.log.progress(prefix: Array("dead-letter".utf8)).isEmpty)
            try pipe.set(.started, "snk")
            #expect(eventually { (try? pipe.log.bounds(of: bad).end) == 2 })
        }
    }
}
