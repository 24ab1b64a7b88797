import ConnectRuntime
import ConnectTesting
import Glibc
import Postgres
import Synchronization

/// Writers of an event table on threads of their own: they commit in another order than they drew their numbers, roll back, save points, prepare.
/// What was committed is known from the table itself afterwards.
final class EventStorm: Sendable {
    private struct Box: @unchecked Sendable { let run: PostgresRun }
    private let box: Box
    private let seed: UInt64
    private let milliseconds: Int
    private let working = Atomic<Int>(0)
    private let failures = Mutex<[String]>([])
    static let writers = 6

    init(_ run: PostgresRun, seed: UInt64, milliseconds: Int) {
        // A run's connection is used by nobody but the test's own thread; writers open their own.
        box = Box(run: run)
        self.seed = seed
        self.milliseconds = milliseconds
    }

    static func prepare(_ sql: Connection) throws {
        try sql.execute(
            """
            CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, writer int NOT NULL, n int NOT NULL); CREATE TABLE unrelated (x int);
            INSERT INTO e (writer, n) SELECT 99, i FROM generate_series(1, 30) i; DELETE FROM e WHERE id BETWEEN 10 AND 15
            """)
    }

    static func ids(_ sql: Connection) throws -> [Int64] {
        let result = try sql.execute("SELECT id FROM e ORDER BY id")
        return (0..<result.rowCount).compactMap { result.integer($0, 0) }
    }

    var isOver: Bool { working.load(ordering: .acquiring) == 0 }
    var problems: [String] { failures.withLock { $0 } }

    func start() {
        var random = RandomNumbers(seed: seed ^ 0xABCD)
        for writer in 0..<EventStorm.writers {
            let stream = random.fork()
            working.add(1, ordering: .acquiringAndReleasing)
            Task.detached { [self] in
                do { try await onThread { try self.write(writer, stream) } } catch { failures.withLock { $0.append("\(error)") } }
                working.subtract(1, ordering: .acquiringAndReleasing)
            }
        }
    }

    private func write(_ writer: Int, _ stream: RandomNumbers) throws {
        var random = stream, count = 0
        let sql = try box.run.connect(), clock = SystemClock()
        let end = clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
        while clock.monotonicNanoseconds() < end {
            count += 1
            try sql.execute("BEGIN")
            if random.oneIn(2) { try sql.execute("INSERT INTO unrelated VALUES (1)") }
            for step in 0..<Int.random(in: 1...3, using: &random) {
                let isSaved = random.oneIn(3)
                if isSaved { try sql.execute("SAVEPOINT s\(step)") }
                try sql.execute("INSERT INTO e (writer, n) SELECT \(writer), \(count) FROM generate_series(1, \(Int.random(in: 1...3, using: &random)))")
                if isSaved, random.oneIn(2) { try sql.execute("ROLLBACK TO SAVEPOINT s\(step)") }
                if random.oneIn(3) { usleep(UInt32.random(in: 0...8000, using: &random)) }
            }
            switch Int.random(in: 0..<12, using: &random) {
            case 0, 1: try sql.execute("ROLLBACK")
            case 2:
                try sql.execute("PREPARE TRANSACTION 'e\(writer)_\(count)'")
                usleep(UInt32.random(in: 0...30_000, using: &random))
                try sql.execute(random.oneIn(3) ? "ROLLBACK PREPARED 'e\(writer)_\(count)'" : "COMMIT PREPARED 'e\(writer)_\(count)'")
            default: try sql.execute("COMMIT")
            }
        }
    }
}
