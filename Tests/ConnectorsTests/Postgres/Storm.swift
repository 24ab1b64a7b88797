import ConnectRuntime
import ConnectTesting
import Glibc
import Postgres
import Synchronization

/// Writers on threads of their own, and a reader that loses its life at random.
final class Storm: Sendable {
    private let run: PostgresRunBox
    private let seed: UInt64
    private let milliseconds: Int
    private let working = Atomic<Int>(0)
    private let failures = Mutex<[String]>([])
    static let writers = 8
    /// Twenty to the second while the server is away: a minute.
    static let mostErrors = 1200
    static let keys = 40

    /// A run's connection is used by nobody but the test's own thread; writers open their own.
    struct PostgresRunBox: @unchecked Sendable { let run: PostgresRun }

    /// Whether commits return before they are durable, and writers go on after the server went down.
    private let isUnsafe: Bool

    init(_ run: PostgresRun, seed: UInt64, milliseconds: Int, isUnsafe: Bool = false) {
        self.isUnsafe = isUnsafe
        self.run = PostgresRunBox(run: run)
        self.seed = seed
        self.milliseconds = milliseconds
    }

    static func prepare(_ sql: Connection) throws {
        try sql.execute(
            """
            CREATE TABLE t (k int PRIMARY KEY, version bigint NOT NULL, note text); CREATE SEQUENCE version; CREATE TABLE unrelated (x int);
            INSERT INTO t SELECT i, nextval('version'), 'start' FROM generate_series(1, \(keys / 2)) i
            """)
    }

    static func rows(_ sql: Connection) throws -> [Int32: Int64] {
        let result = try sql.execute("SELECT k, version FROM t")
        var rows: [Int32: Int64] = [:]
        for row in 0..<result.rowCount { rows[Int32(result.integer(row, 0) ?? 0)] = result.integer(row, 1) }
        return rows
    }

    var isOver: Bool { working.load(ordering: .acquiring) == 0 }

    func start() {
        var random = RandomNumbers(seed: seed ^ 0xABCD)
        for writer in 0..<Storm.writers {
            let stream = random.fork()
            working.add(1, ordering: .acquiringAndReleasing)
            Task.detached { [self] in
                do { try await onThread { try self.write(writer, stream) } } catch { failures.withLock { $0.append("\(error)") } }
                working.subtract(1, ordering: .acquiringAndReleasing)
            }
        }
    }

    private func write(_ writer: Int, _ stream: RandomNumbers) throws {
        var random = stream
        var sql = try open()
        let clock = SystemClock()
        let end = clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
        var count = 0
        while clock.monotonicNanoseconds() < end {
            count += 1
            do { try transaction(sql, "w\(writer)_\(count)", &random) } catch let error as PostgresError {
                // Deadlocks, lock timeouts and key conflicts are part of the weather.
                if sql.isOpen {
                    _ = try? sql.execute("ROLLBACK")
                } else if isUnsafe {
                    microseconds(20_000)
                    if let again = try? open() { sql = again }
                } else {
                    throw error
                }
            }
        }
    }

    private func open() throws -> Connection {
        let sql = try run.run.connect()
        try sql.execute("SET lock_timeout = '300ms'; SET deadlock_timeout = '50ms'; SET synchronous_commit = \(isUnsafe ? "off" : "on")")
        return sql
    }

    private func transaction(_ sql: Connection, _ name: String, _ random: inout RandomNumbers) throws {
        try sql.execute("BEGIN")
        if random.oneIn(2) { try sql.execute("INSERT INTO unrelated VALUES (1)") }
        for step in 0..<Int.random(in: 1...3, using: &random) {
            let isSaved = random.oneIn(3)
            if isSaved { try sql.execute("SAVEPOINT s\(step)") }
            try sql.execute(statement(&random))
            if isSaved, random.oneIn(3) { try sql.execute("ROLLBACK TO SAVEPOINT s\(step)") }
            if random.oneIn(4) { microseconds(Int.random(in: 0...5000, using: &random)) }
        }
        if random.oneIn(3) { microseconds(Int.random(in: 0...20_000, using: &random)) }
        switch Int.random(in: 0..<20, using: &random) {
        case 0: try sql.execute("ROLLBACK")
        case 1:
            try sql.execute("PREPARE TRANSACTION '\(name)'")
            microseconds(Int.random(in: 0...30_000, using: &random))
            try sql.execute(random.oneIn(5) ? "ROLLBACK PREPARED '\(name)'" : "COMMIT PREPARED '\(name)'")
        default: try sql.execute("COMMIT")
        }
    }

    private func statement(_ random: inout RandomNumbers) -> String {
        let key = Int.random(in: 1...Storm.keys, using: &random), other = Int.random(in: 1...Storm.keys, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: return "INSERT INTO t VALUES (\(key), nextval('version'), 'i') ON CONFLICT (k) DO UPDATE SET version = excluded.version"
        case 2: return "DELETE FROM t WHERE k = \(key)"
        case 3: return "UPDATE t SET k = \(other), version = nextval('version') WHERE k = \(key) AND NOT EXISTS (SELECT FROM t WHERE k = \(other))"
        case 4: return "UPDATE t SET version = nextval('version') WHERE k BETWEEN \(key) AND \(key + 3)"
        default: return "UPDATE t SET version = nextval('version') WHERE k = \(key)"
        }
    }

    /// Reads until the writers are done and nothing comes any more. A poll either reaches the topic with its offsets or, when the reader dies, not at all.
    func read(_ random: inout RandomNumbers, settings: KeyValuePairs<Name, String>) throws -> TableModel {
        var model = TableModel()
        let context = TestSourceContext()
        var quiet = 0, errors = 0
        while quiet < 3 {
            let source = try run.run.source(settings, context: context)
            do { try source.start() } catch {
                errors += 1
                if errors > Storm.mostErrors || ConnectError(error).kind != .retriable { throw error }
                source.stop()
                microseconds(50_000)
                continue
            }
            for _ in 0..<Int.random(in: 1...60, using: &random) where quiet < 3 {
                let batch: RecordBatch
                do { batch = try source.pollWithoutStoring() } catch {
                    errors += 1
                    if errors > Storm.mostErrors || ConnectError(error).kind != .retriable { throw error }
                    microseconds(50_000)
                    continue
                }
                // The poll is lost with the reader: nothing of it was written.
                if random.oneIn(40) { break }
                context.store(batch)
                let live = batch.entries.filter(\.outcome.isLive)
                for entry in live { model.apply(entry.record) }
                if random.oneIn(4) { try source.committed() }
                quiet = isOver && live.isEmpty ? quiet + 1 : 0
            }
            source.stop()
        }
        let failed = failures.withLock { $0 }
        if !failed.isEmpty { model.problems.append("writers failed: \(failed.prefix(3))") }
        return model
    }

    private func microseconds(_ count: Int) { usleep(UInt32(count)) }
}
