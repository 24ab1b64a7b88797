import ConnectTesting
import Foundation
import Glibc
import Postgres
import PostgresTesting
import SQLite
import Testing

/// A large table that is there already, delivered while writers change it and the worker is killed: the topic, replayed, gives the table (P3, P5, P6, P7).
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, "no PostgreSQL server here: install postgresql or set POSTGRES_BIN")) struct PostgresBackfillTests {
    static let rows = Environment.isOptimised ? (Environment.isFull ? 1_000_000 : 300_000) : Environment.isFull ? 200_000 : 60_000
    static let kills = Environment.isFull ? 12 : 5
    /// What a worker with one busy pipe may take at most, in MiB, whatever the size of the table.
    static let memoryLimit = 64.0

    @Test func replayingTheTopicGivesTheTable() async throws {
        let seed = Environment.seed
        try await onThread {
            do { try run(seed: seed) } catch { throw TestFailure("\(error)\n(CONNECTD_TEST_SEED=\(seed) repeats its random choices)") }
        }
    }

    /// Keys that are changed lie all over the table; as many lie beyond what is there.
    static let big = AuditedTable(
        name: "big", definition: "CREATE TABLE big (id int PRIMARY KEY, stamp bigint NOT NULL, note text)", keyColumns: ["id"],
        keys: (1...2000).map { ["\($0 * (rows / 1000))"] })
}

private func run(seed: UInt64) throws {
    var random = RandomNumbers(seed: seed)
    let folder = try TemporaryFolder(), server = try PostgresServer.shared(), database = try server.makeDatabase()
    let sql = try server.connect(database)
    defer { sql.close() }
    let rows = PostgresBackfillTests.rows, table = PostgresBackfillTests.big
    try AuditedWriter.prepare(sql, [table])
    try sql.execute(
        """
        INSERT INTO big SELECT i, nextval('stamps'), 'row ' || i || ' of a table that was there long before anybody asked for it' FROM generate_series(1, \(rows)) i ON CONFLICT DO NOTHING;
        CREATE TABLE last (id int PRIMARY KEY)
        """)
    let copyFile = folder.file("last.db"), data = folder.file("data"), configuration = folder.file("connectors.json"), port = try Worker.freePort()
    let connectors = [
        "big": ["connector.class": "PostgresSource", "connection.url": server.url(database), "topic.prefix": "shop", "table.include.list": "public.big,public.last"],
        "end": ["connector.class": "SqliteSink", "connection.url": "sqlite:\(copyFile)", "topics": "shop.public.last"],
    ]
    try JSONSerialization.data(withJSONObject: ["connectors": connectors]).write(to: URL(filePath: configuration))

    let writers = (0..<4).map { AuditedWriter(server, database: database, tables: [table], name: "\(database)_w\($0)", isUnsafe: false) }
    let running = WriterThreads(writers.map { writer in
        let seed = random.next()
        return { try writer.run(seed: seed) }
    })
    defer { for writer in writers { writer.stop() } }

    // The first one is stopped with care, so that it is known by when the reading began.
    let first = try Worker([configuration], folder: folder.path, dataDirectory: data, port: port, name: "worker-first")
    try first.waitUntilReady()
    let began = eventually(within: 60) { first.process.errors.contains("made topic shop.public.big") ? true : nil }
    try first.stop()
    if began != true { throw TestFailure("no rows arrive: \(first.process.errors)") }
    let readBy = try Audit.lastNumber(sql)

    func isDelivered(_ worker: Worker) -> Bool { worker.process.errors.contains("table public.big is delivered") }
    var killedMeanwhile = 0, isDone = isDelivered(first), peak = 0.0, end = first
    for kill in 0..<PostgresBackfillTests.kills where !isDone {
        let worker = try Worker([configuration], folder: folder.path, dataDirectory: data, port: port, name: "worker-\(kill)")
        try worker.waitUntilReady()
        usleep(UInt32.random(in: 0...(Environment.isOptimised ? 200_000 : 500_000), using: &random))
        peak = max(peak, Double(worker.process.memory("VmHWM") ?? 0) / 1024)
        worker.process.killNow()
        isDone = isDelivered(worker)
        if !isDone { killedMeanwhile += 1 }
    }
    end = try Worker([configuration], folder: folder.path, dataDirectory: data, port: port, name: "worker-last")
    try end.waitUntilReady()
    if !isDone, eventually(within: 300, look: { isDelivered(end) || !end.process.isRunning ? true : nil }) == nil || !end.process.isRunning {
        throw TestFailure("the table is not delivered: \(end.process.errors.suffix(3000))")
    }
    for writer in writers { writer.stop() }
    try running.wait()
    // What is committed last comes last, in whatever table.
    try sql.execute("INSERT INTO last VALUES (1)")
    let arrived = eventually(within: 120) { () -> Bool? in
        guard let copy = try? Database(path: copyFile, mode: .readOnly) else { return nil }
        defer { copy.close() }
        return (try? copy.integer("SELECT count(*) FROM last")) == 1 ? true : nil
    }
    if arrived != true { throw TestFailure("the last row does not arrive: \(try end.request("GET", "/connectors/big/status").body)\n\(end.process.errors.suffix(3000))") }
    peak = max(peak, Double(end.process.memory("VmHWM") ?? 0) / 1024)
    try end.stop()

    var audit = try Audit(of: table, sql)
    try TopicDump.forEach(topic: "shop.public.big", dataDirectory: data, folder: folder.path) { try audit.tell($0) }
    let faults = try audit.verdict(readBy: readBy, sql)
    if !faults.isEmpty { throw TestFailure("\(faults.count) faults:\n\(faults.prefix(10).joined(separator: "\n"))") }
    print("backfill of \(rows) rows: \(audit.records) records, \(audit.count) changes meanwhile, killed \(killedMeanwhile) times before it was through, at most \(peak) MiB")
    if killedMeanwhile < 1 { throw TestFailure("never killed while the table was read: the test proves little") }
    if Environment.isOptimised, peak > PostgresBackfillTests.memoryLimit { throw TestFailure("the worker took \(peak) MiB") }
}
