import ConnectRuntime
import ConnectTesting
import Connectors
import Glibc
import SQLite
import Testing

/// What a close look at a SQLite file finds: each fault is made, found, mended, and gone.
@Suite(.serialized) struct SqliteDoctorTests {
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

    private var map: ConfigMap { ConfigMap(["connection.url": "sqlite:\(path)", "topic.prefix": "p"]) }

    private func look(_ settings: [(Name, String)] = [], long: Int = 60_000, checksIntegrity: Bool = false) throws -> [CheckFinding] {
        var map = map
        for (name, value) in settings { map[name] = .some(value) }
        return try Checks.findings("SqliteSource", map, .thorough, longMilliseconds: long, checksIntegrity: checksIntegrity)
    }

    private func arm(_ settings: [(Name, String)] = []) throws {
        var map = map
        for (name, value) in settings { map[name] = .some(value) }
        let source = try SourceRun("SqliteSource", map)
        try source.start()
        source.context.wakeUp.set()
        _ = try source.poll()
        source.stop()
    }

    @Test func aFileThatIsWellIsDescribed() throws {
        #expect(try look().codes == [])
        #expect(try look().contains { $0.message.contains("table t is armed at the start") })
        try arm()
        try database.execute("INSERT INTO t VALUES (2, 2)")
        let found = try look(checksIntegrity: true)
        #expect(found.codes == [], "\(found.troubles)")
        let words = found.map(\.message).joined(separator: "\n")
        for part in ["journal mode wal", "page size 4096, auto_vacuum none", "table t is captured; connectd_t holds 1 change, the oldest", "is whole (quick_check)"] {
            #expect(words.contains(part), "\(words)")
        }
    }

    @Test func anotherJournalModeIsFound() throws {
        _ = try database.text("PRAGMA journal_mode = DELETE")
        let finding = try #require(look().first("sqlite.journal_mode"))
        #expect(finding.cost != nil)
        for statement in finding.statements { _ = try database.text(statement) }
        #expect(try look().first("sqlite.journal_mode") == nil)
    }

    @Test func aLogThatGrewIsFound() throws {
        try database.execute("PRAGMA wal_autocheckpoint = 0; CREATE TABLE large (bytes BLOB);")
        for _ in 0..<70 { try database.execute("INSERT INTO large VALUES (randomblob(1048576))") }
        let finding = try #require(look([("table.include.list", "t")]).first("sqlite.wal_size"))
        for statement in finding.statements { _ = try database.text(statement) }
        #expect(try look([("table.include.list", "t")]).first("sqlite.wal_size") == nil)
    }

    @Test(arguments: ["DROP TRIGGER connectd_t_u", "DROP TRIGGER connectd_t_i; DROP TRIGGER connectd_t_d", "DROP TABLE connectd_t"])
    func whatWasTakenAwayIsFoundAndTheSourcePutsItBack(_ make: String) throws {
        try arm()
        try database.execute(make)
        let finding = try #require(look().first("sqlite.triggers_missing"))
        #expect(finding.severity == .warning && finding.cost != nil && finding.suggestion?.contains("start the connector") == true)
        try arm()
        #expect(try look().first("sqlite.triggers_missing") == nil)
    }

    @Test func changesThatNobodyPrunesAreCounted() throws {
        try arm()
        try database.execute("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) INSERT INTO t SELECT i, i FROM n")
        let finding = try #require(look().first("sqlite.unpruned"))
        #expect(finding.message.contains("connectd_t holds 10000 changes") && finding.suggestion?.contains("prune=true") == true)
        #expect(try look([("prune", "true")]).first("sqlite.unpruned") == nil, "they are young: the connector may be about to")
        #expect(try look([("prune", "true")], long: 0).first("sqlite.unpruned")?.suggestion?.contains("start the connector") == true)
        try database.execute("DELETE FROM connectd_t")
        #expect(try look(long: 0).first("sqlite.unpruned") == nil)
    }

    @Test func whoWritesAllTheTimeIsNamed() throws {
        #expect(try look().first("sqlite.busy_writer") == nil)
        // The kernel gives a process its own locks: the writer is another one.
        let pipe = try ChildProcess.spawnWriter(path)
        defer { pipe.end() }
        #expect(eventually { SqliteWriters.busy(path, milliseconds: 3) != nil })
        let finding = try #require(look().first("sqlite.busy_writer"))
        #expect(finding.message.contains("process \(pipe.process)"))
        pipe.end()
        #expect(eventually { SqliteWriters.busy(path, milliseconds: 3) == nil })
        #expect(try look().first("sqlite.busy_writer") == nil)
    }

    @Test func theKernelsLinesAreUnderstood() {
        let text = """
            1: POSIX  ADVISORY  WRITE 4711 08:01:77 120 120
            2: POSIX  ADVISORY  READ 4712 08:01:77 123 123
            2: -> POSIX  ADVISORY  WRITE 4713 08:01:77 120 120
            3: FLOCK  ADVISORY  WRITE 4714 08:01:77 0 EOF
            4: POSIX  ADVISORY  WRITE 4715 08:01:78 1073741825 1073741825
            5: OFDLCK ADVISORY  WRITE -1 08:01:77 0 EOF
            6: POSIX  ADVISORY  WRITE x 08:01:77 120
            7: POSIX  ADVISORY  WRITE 4716 08:01:77 0 EOF
            """
        #expect(SqliteWriters.processes(inLocks: text, places: [(77, 120), (78, 0x4000_0001)]) == [4711, 4715, 4716])
        #expect(SqliteWriters.processes(inLocks: text, places: [(nil, 120)]) == [])
    }

    @Test func damageIsFoundWhereItIsAskedFor() throws {
        try database.execute("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, i FROM n; PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        let garbage = [UInt8](repeating: 0xA5, count: 4096)
        #expect(pwrite(descriptor, garbage, garbage.count, 3 * 4096) == garbage.count)
        close(descriptor)
        #expect(try look().first("sqlite.corrupt") == nil)
        let finding = try #require(look(checksIntegrity: true).first("sqlite.corrupt"))
        #expect(finding.severity == .error && finding.cost != nil)
    }

    @Test func aSinksPositionIsShown() throws {
        let copy = folder.file("copy.db")
        let sink = ConfigMap(["connection.url": "sqlite:\(copy)", "topics": "t"])
        #expect(try Checks.findings("SqliteSink", sink, .thorough, kind: .sink).map(\.code) == ["sqlite.will_create"])
        let target = try Database(path: copy, mode: .create)
        try target.execute(
            "CREATE TABLE connectd_sink_offset (connector TEXT, topic TEXT, part INTEGER, topic_id TEXT, next_offset INTEGER, epoch INTEGER, owner TEXT, last_log_epoch INTEGER); INSERT INTO connectd_sink_offset VALUES ('looked-at', 'p.t', 0, '', 42, 1, '', NULL), ('another', 'p.t', 0, '', 7, 1, '', NULL)")
        let words = try Checks.findings("SqliteSink", sink, .thorough, kind: .sink).map(\.message).joined(separator: "\n")
        #expect(words.contains("p.t/0 written up to offset 42") && !words.contains("offset 7"), "\(words)")
    }
}

/// Another process that holds a file's write lock until it is ended.
private final class LockingWriter {
    let process: pid_t
    private let input: Int32

    init(_ process: pid_t, _ input: Int32) {
        self.process = process
        self.input = input
    }

    private var hasEnded = false
    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        close(input)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }
}

extension ChildProcess {
    /// Begins a transaction in the file and keeps it open as long as its input is.
    fileprivate static func spawnWriter(_ path: String) throws -> LockingWriter {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        let process = try spawn(["sqlite3", path], inputDescriptor: ends[0])
        let script = Array("BEGIN IMMEDIATE;\n".utf8)
        try #require(write(ends[1], script, script.count) == script.count)
        close(ends[0])
        return LockingWriter(process, ends[1])
    }
}
