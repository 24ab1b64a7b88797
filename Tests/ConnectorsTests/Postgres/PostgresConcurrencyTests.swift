import ConnectRuntime
import ConnectTesting
import Glibc
import Postgres
import PostgresTesting
import Synchronization
import Testing

/// Eight writers with every trick that breaks other tails, and a reader that is killed: each change exactly once, per key in commit order.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresConcurrencyTests {
    static let isFull = getenv("CONNECTD_TEST_FULL") != nil

    @Test(arguments: [1, 7, 2000]) func nothingIsLostDoubledOrReordered(pageRows: Int) async throws {
        try await onThread {
            let run = try PostgresRun()
            let seed = UInt64(getpid()) &* 1000 &+ UInt64(pageRows)
            try Storm.prepare(run.sql)
            let storm = Storm(run, seed: seed, milliseconds: PostgresConcurrencyTests.isFull ? 60_000 : 2500)
            // An unrelated transaction with a number of its own stays open throughout: it delays nothing.
            let idle = try run.connect()
            try idle.execute("BEGIN; INSERT INTO unrelated VALUES (0)")
            storm.start()
            var random = RandomNumbers(seed: seed)
            let model = try storm.read(&random, settings: ["table.include.list": "public.t", "batch.max.rows": "\(pageRows)"])
            #expect(model.problems.prefix(3) == [], "seed \(seed)")
            #expect(try model.rows == Storm.rows(run.sql), "seed \(seed)")
            #expect(model.changes > 100)
            try idle.execute("ROLLBACK")
        }
    }

    /// What was delivered and then lost by the crash would be a phantom; a new row under the number of a lost one would be skipped.
    @Test func aCrashOfTheServerUnderUnsafeCommitsLosesAndInventsNothing() async throws {
        try await onThread {
            let server = try PostgresServer(.init(isDurable: true))
            let run = try PostgresRun(server)
            let seed = UInt64(getpid())
            try Storm.prepare(run.sql)
            let storm = Storm(run, seed: seed, milliseconds: PostgresConcurrencyTests.isFull ? 60_000 : 5000, isUnsafe: true)
            storm.start()
            let crashes = PostgresConcurrencyTests.isFull ? 10 : 2
            Task.detached {
                try await onThread {
                    for _ in 0..<crashes {
                        usleep(1_200_000)
                        try server.stop("immediate")
                        try server.start()
                    }
                }
            }
            var random = RandomNumbers(seed: seed)
            let model = try storm.read(&random, settings: ["table.include.list": "public.t"])
            #expect(model.problems.prefix(3) == [], "seed \(seed)")
            #expect(try model.rows == Storm.rows(run.connect()), "seed \(seed)")
            #expect(model.changes > 100)
        }
    }
}

/// What the records say the table holds; every record must join on to the one before it for the same key.
///
/// Until a backfill has reached a key, its first record may be a change of a row that was there before; the backfill's own record of it, when it comes, must say the same.
struct TableModel {
    var rows: [Int32: Int64] = [:]
    var seen: Set<Int32> = []
    var problems: [String] = []
    var changes = 0

    mutating func apply(_ record: Record) {
        guard case .int32(let key)? = record.keyColumn("k") else { return problems.append("no key") }
        guard let op = record.op else { return }
        changes += 1
        let old = rows[key], isFirst = seen.insert(key).inserted
        let before = TableModel.version(record, "before"), after = TableModel.version(record, "after")
        switch op {
        case "r": if !isFirst, old != after { problems.append("r of \(key) at \(words(after)), which was at \(words(old))") }
        case "c": if old != nil { problems.append("c of \(key) at \(words(after)), which was there at \(words(old))") }
        default: if !isFirst, old != before { problems.append("\(op) of \(key) from \(words(before)), which was at \(words(old))") }
        }
        rows[key] = after
    }

    private func words(_ version: Int64?) -> String { version.map { "version \($0)" } ?? "nothing" }

    private static func version(_ record: Record, _ row: Name) -> Int64? {
        guard case .int64(let version)? = record.column("version", of: row) else { return nil }
        return version
    }
}
