import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import SQLite
import Testing

/// Files and tables that go, come back, or cannot be captured.
@Suite(.serialized) struct SourceLossTests {
    let folder: TemporaryFolder
    let path: String
    let database: Database
    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("source.db")
        database = try Database(path: path, mode: .create)
        _ = try database.text("PRAGMA journal_mode = WAL")
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE u (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO u VALUES (1, 'a')")
    }

    func source(_ more: KeyValuePairs<Name, String> = [:]) throws -> SourceRun {
        var map = ConfigMap(["connection.url": "sqlite:\(path)", "topic.prefix": "p", "poll.interval.ms": "20"])
        for (name, value) in more { map[name] = .some(value) }
        return try SourceRun("SqliteSource", map)
    }

    @Test func aDroppedTableLeavesTheOthersAndComesBack() throws {
        let run = try source(["table.include.list": "t,u"])
        try run.start()
        #expect(try run.records(atLeast: 1).count == 1)
        try database.execute("DROP TABLE u; INSERT INTO t VALUES (1, 'x')")
        #expect(try run.records(atLeast: 1).map(\.topic) == ["p.t"])
        #expect(run.context.notes.contains { $0?.contains("table u") == true })
        try database.execute("CREATE TABLE u (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO u VALUES (2, 'b')")
        #expect(try run.records(atLeast: 1).map(\.topic) == ["p.u"])
        #expect(run.context.log.all.contains { $0.hasPrefix("warning") && $0.contains("table u was dropped and made again") && $0.contains("copies may still hold") })
        run.stop()
    }

    @Test func removedTriggersAreSaid() throws {
        let run = try source()
        try run.start()
        #expect(run.context.notes.isEmpty)
        run.stop()
        try database.execute("DROP TRIGGER connectd_t_d")
        let again = try source()
        try again.start()
        again.stop()
        #expect(again.context.notes.contains { $0?.contains("table t was") == true })
    }

    @Test func aFileThatIsGoneForAMomentIsWaitedFor() throws {
        let run = try source()
        try run.start()
        #expect(try run.records(atLeast: 1).count == 1)
        let aside = folder.file("aside.db"), suffixes = ["", "-wal", "-shm"].filter { FileManager.default.fileExists(atPath: path + $0) }
        for suffix in suffixes { try FileManager.default.moveItem(atPath: path + suffix, toPath: aside + suffix) }
        var first: ConnectError?
        for _ in 0..<20 where first == nil {
            do { _ = try run.poll() } catch { first = error as? ConnectError }
        }
        #expect(first?.kind == .retriable)
        let second = #expect(throws: ConnectError.self) { _ = try run.poll() }
        #expect(second?.kind == .retriable)
        for suffix in suffixes { try FileManager.default.moveItem(atPath: aside + suffix, toPath: path + suffix) }
        let writer = try Database(path: path, mode: .readWrite)
        try writer.execute("INSERT INTO t VALUES (5, 'x')")
        #expect(try run.records(atLeast: 1).count == 1)
        run.stop()
    }

    @Test func aFolderIsNoDatabase() throws {
        let source = #expect(throws: ConnectError.self) { try self.source(["connection.url": "sqlite:\(folder.path)"]).start() }
        #expect(source?.code == "sqlite.not_a_file" && source?.kind == .fatal)
        let sink = #expect(throws: ConnectError.self) { try SinkRun(folder.path).start() }
        #expect(sink?.code == "sqlite.not_a_file" && sink?.kind == .fatal)
    }

    @Test func aTableTooWideToCaptureIsNamed() throws {
        try database.execute("CREATE TABLE wide (\((0..<1000).map { "c\($0)" }.joined(separator: ", ")))")
        let error = #expect(throws: ConnectError.self) { try source().start() }
        #expect(error?.code == "sqlite.too_many_columns" && error?.message.contains("table wide has 1000 columns") == true)
    }
}
