import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import SQLite
import Testing

/// A sink that would write a table's changes into that very table is refused; one that writes elsewhere is not.
@Suite(.serialized) struct CaptureLoopTests {
    let folder: TemporaryFolder
    let path: String
    let database: Database

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("shop.db")
        database = try Database(path: path, mode: .create)
        _ = try database.text("PRAGMA journal_mode = WAL")
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 1)")
    }

    /// Starts and stops a source, and returns what it delivered.
    private func captured() throws -> TestTopic {
        let source = try SourceRun("SqliteSource", ConfigMap(["connection.url": "sqlite:\(path)", "topic.prefix": "p", "table.include.list": "t"]))
        try source.start()
        source.context.wakeUp.set()
        let topic = TestTopic("p.t")
        topic.records = try source.poll().entries.map(\.record)
        source.stop()
        return topic
    }

    private func refusal(_ run: SinkRun, _ topic: TestTopic) -> ConnectError? {
        do {
            try run.write(topic)
            return nil
        } catch { return ConnectError(error) }
    }

    @Test func aTableIsNotWrittenFromItsOwnChanges() throws {
        let topic = try captured()
        #expect(topic.records.count == 1)
        let error = try #require(refusal(SinkRun(path), topic))
        #expect(error.code == "sink.loop")
        #expect(error.message.contains("table t of \(path) is captured into topic p.t"))
        #expect(try database.integer("SELECT count(*) FROM connectd_t") == 0)
        #expect(try Checks.findings("SqliteSink", ConfigMap(["connection.url": "sqlite:\(path)", "topics": "p.t"]), kind: .sink).codes == ["sink.loop"])
    }

    @Test func otherTablesOtherTopicsAndCopiesMayBeWritten() throws {
        let topic = try captured()
        #expect(refusal(SinkRun(path, ["table.name.format": "copy_of_${source.table}"]), topic) == nil)
        let other = TestTopic("q.t")
        other.records = topic.records
        #expect(refusal(SinkRun(path), other) == nil)
        let copy = folder.file("copy.db")
        try database.execute("VACUUM INTO '\(copy)'")
        #expect(refusal(SinkRun(copy), topic) == nil)
    }

    @Test func aTableThatIsCapturedLaterIsNoticed() throws {
        let topic = TestTopic("p.t")
        topic.records = [SqliteSinkTests.flat(1, 1), SqliteSinkTests.flat(2, 2)]
        let sink = SinkRun(path, ["table.name.format": "t", "fields.whitelist": "id"])
        try sink.start()
        _ = try sink.task.open([topic.assigned])
        try sink.task.put(topic.batch(from: 0, count: 1))
        _ = try captured()
        #expect { try sink.task.put(topic.batch(from: 1, count: 1)) } throws: { ConnectError($0).code == "sink.loop" }
        sink.task.stop()
    }
}
