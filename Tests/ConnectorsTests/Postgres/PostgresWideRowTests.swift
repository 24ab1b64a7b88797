import ConnectRuntime
import ConnectTesting
import Connectors
import EmbeddedLog
import Postgres
import PostgresTesting
import Testing

/// Rows so wide that a page of them is more than one transaction of the log takes: each still arrives once, through the worker's own runner.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresWideRowTests {
    static let modes: [(name: String, settings: KeyValuePairs<Name, String>)] = [
        ("changes", [:]), ("fence", ["mode": "fence"]), ("events", ["capture": "events"]), ("incrementing", ["mode": "incrementing", "incrementing.column.name": "id"]),
        ("timestamp", ["mode": "timestamp", "timestamp.column.name": "at"]),
        ("both", ["mode": "timestamp+incrementing", "timestamp.column.name": "at", "incrementing.column.name": "id"]),
        ("bulk", ["mode": "bulk", "poll.interval.ms": "600000"]),
    ]

    /// 200 rows of 32 KiB against a log that takes 2 MiB at once; with `batch.max.bytes` above that too, so that only the offsets inside a page help.
    @Test(arguments: modes.indices, ["1048576", "268435456"]) func aPageIsMoreThanATransaction(mode: Int, bytes: String) async throws {
        // A whole table without positions has nothing but the page's bytes.
        if Self.modes[mode].name == "bulk", bytes != "1048576" { return }
        try await onThread {
            let run = try PostgresRun(), worker = try HerderRun(transactionBytes: 2 << 20)
            defer { worker.stop() }
            let rows = "SELECT i, repeat(chr(65 + i % 26), 32768), timestamp '2024-01-01' + i / 3 * interval '1 second' FROM generate_series"
            try run.sql.execute("CREATE TABLE w (id serial PRIMARY KEY, body text NOT NULL, at timestamp NOT NULL); INSERT INTO w \(rows)(1, 200) i")
            var map = run.map(Self.modes[mode].settings)
            map["table.include.list"] = .some("public.w")
            map["batch.max.bytes"] = .some(bytes)
            _ = try worker.herder.put("src", map, initialState: nil, replacing: false)
            #expect(worker.failure(before: 200, in: "t.public.w") == nil)
            #expect(try worker.ids("t.public.w", count: 200) == Array(1...200))
            if Self.modes[mode].name == "bulk" { return }
            // While it runs, in one transaction, with a change of one key in the middle.
            try run.sql.execute("BEGIN; INSERT INTO w \(rows)(201, 300) i; \(Self.modes[mode].name == "changes" ? "UPDATE w SET id = 1000 WHERE id = 250;" : "") INSERT INTO w \(rows)(301, 400) i; COMMIT")
            if Self.modes[mode].name != "changes" {
                #expect(worker.failure(before: 400, in: "t.public.w") == nil)
                #expect(try worker.ids("t.public.w", count: 400) == Array(1...400))
                return
            }
            // Its deletion, the tombstone, and the row with its new key.
            #expect(worker.failure(before: 403, in: "t.public.w") == nil)
            #expect(try worker.ids("t.public.w", count: 402) == Array(1...300) + [250, 1000] + Array(301...400))
            // While it does not: page after page of the difference.
            try worker.herder.setTargetState("src", .stopped)
            #expect(eventually { (try? worker.herder.status("src"))?.connector.status.state == .stopped })
            try run.sql.execute("INSERT INTO w \(rows)(401, 600) i")
            try worker.herder.setTargetState("src", .started)
            #expect(worker.failure(before: 603, in: "t.public.w") == nil)
            #expect(try worker.ids("t.public.w", count: 602).suffix(200) == Array(401...600))
        }
    }

    /// The settings as they come: 2,000 rows of 64 KiB are twice what the log takes at once.
    @Test func twoThousandWideRowsInOneTransaction() async throws {
        try await onThread {
            let run = try PostgresRun(), worker = try HerderRun(transactionBytes: EmbeddedLogOptions(folder: "").transactionByteLimit)
            defer { worker.stop() }
            let rows = "SELECT i, repeat(chr(65 + i % 26), 65536) FROM generate_series"
            try run.sql.execute("CREATE TABLE w (id int PRIMARY KEY, body text NOT NULL); INSERT INTO w \(rows)(1, 2000) i")
            _ = try worker.herder.put("src", run.map(), initialState: nil, replacing: false)
            #expect(worker.failure(before: 2000, in: "t.public.w") == nil)
            try run.sql.execute("INSERT INTO w \(rows)(2001, 4000) i")
            #expect(worker.failure(before: 4000, in: "t.public.w") == nil)
            #expect(try worker.ids("t.public.w", count: 4000) == Array(1...4000))
        }
    }

    /// One row that fits into no transaction is its own error; those before it fit alone, though not together.
    @Test func oneRowThatIsTooLargeIsNamed() async throws {
        try await onThread {
            let run = try PostgresRun(), worker = try HerderRun(transactionBytes: 1 << 20)
            defer { worker.stop() }
            try run.sql.execute("CREATE TABLE w (id int PRIMARY KEY, body text); INSERT INTO w SELECT i, repeat('x', 1000 * (ARRAY[200, 900, 200, 900, 1100])[i]) FROM generate_series(1, 5) i")
            _ = try worker.herder.put("src", run.map(), initialState: nil, replacing: false)
            let trace = worker.failure(before: 5, in: "t.public.w")
            #expect(trace?.contains("record.too_large") == true, "\(trace ?? "")")
            #expect(trace?.contains("\"id\":5") == true, "\(trace ?? "")")
            #expect(try worker.ids("t.public.w", count: 4) == [1, 2, 3, 4])
        }
    }

    /// Killed at any place of a page, it goes on inside it: nothing twice, nothing lost.
    @Test func itGoesOnInsideAPage() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE w (id int PRIMARY KEY, body text); CREATE TABLE v (id int PRIMARY KEY, body text)")
            let source = try run.source(["batch.max.bytes": "268435456"])
            try source.start()
            try source.settle()
            let rows = "SELECT i, repeat('x', 65536) FROM generate_series"
            try run.sql.execute(
                "BEGIN; INSERT INTO w \(rows)(1, 20) i; INSERT INTO v \(rows)(1, 20) i; INSERT INTO w \(rows)(21, 40) i; UPDATE w SET id = 100 WHERE id = 30; COMMIT")
            source.stop()
            var random = RandomNumbers(seed: 7), ids: [String] = []
            for _ in 0..<200 where ids.count < 63 {
                let next = try run.source(["batch.max.bytes": "268435456"], context: source.context)
                try next.start()
                let batch = try next.pollWithoutStoring()
                next.stop()
                // What a runner may commit ends where every table's records are covered by an offset.
                var open: Set<SourcePartition> = [], ends: [Int] = []
                for (index, entry) in batch.entries.enumerated() {
                    guard case .source(let origin) = entry.origin else { continue }
                    if origin.offset == nil { open.insert(origin.partition) } else { open.remove(origin.partition) }
                    if open.isEmpty { ends.append(index + 1) }
                }
                guard let end = ends.randomElement(using: &random) else { continue }
                #expect(ends.last == batch.count)
                if batch.entries.count(where: \.outcome.isLive) > 20 { #expect(ends.count > 1) }
                var part = RecordBatch()
                part.entries = Array(batch.entries.prefix(end))
                source.context.store(part)
                for entry in part.entries where entry.outcome.isLive {
                    let id: Int64 = if case .int64(let id)? = entry.record.keyColumn("id") { id } else if case .int32(let id)? = entry.record.keyColumn("id") { Int64(id) } else { -1 }
                    ids.append("\(entry.record.topic)-\(id)\(entry.record.op ?? "-")")
                }
            }
            var expected = (1...20).map { "t.public.w-\($0)c" } + (1...20).map { "t.public.v-\($0)c" } + (21...40).map { "t.public.w-\($0)c" }
            expected += ["t.public.w-30d", "t.public.w-30-", "t.public.w-100c"]
            // A table whose first reading ended late has its changes after the other's: each table's order is what counts.
            for table in ["t.public.w-", "t.public.v-"] { #expect(ids.filter { $0.hasPrefix(table) } == expected.filter { $0.hasPrefix(table) }) }
            #expect(ids.count == expected.count)
        }
    }
}
