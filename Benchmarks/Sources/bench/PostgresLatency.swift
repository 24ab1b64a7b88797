import ConnectRuntime
import EmbeddedLog
import Glibc
import Postgres
import PostgresTesting
import Synchronization

/// How long a change takes from its COMMIT in PostgreSQL to whoever reads the topic, at 200 transactions of one row a second; then what half a
/// minute without changes costs: this process, in which the worker runs and nothing else does anything meanwhile, and all of the server's
/// processes, less what they use in as long a time before the worker connects.
struct PostgresLatency {
    let name = "latency: PostgreSQL COMMIT → reader of the topic, 200 rows/s"
    let mostMilliseconds = (p50: 2.0, p99: 10.0)
    /// Of a core, in percent, on each side.
    let mostIdle = 0.1

    private static let rows = 2000, warmUpRows = 200
    private static let everyNanoseconds: UInt64 = 5_000_000
    private static let idleSeconds: UInt32 = 30

    func measure(in folder: String) throws -> Timing {
        let pipe = try PostgresPipe(folder: folder)
        let alone = try ServerProcesses(pipe.server).usedWhileResting(Self.idleSeconds).server
        var timing: Timing?
        try pipe.worker.run([pipe.source]) { log in
            try pipe.waitUntilArmed(log)
            // Before and after, as the floors.
            var syncs = try Self.syncs(folder + "/sync")
            let milliseconds = try latencies(pipe, log)
            syncs += try Self.syncs(folder + "/sync")
            // What follows the last change (storing offsets, telling readers) is none of the rest.
            sleep(2)
            let rest = try ServerProcesses(pipe.server).usedWhileResting(Self.idleSeconds)
            timing = Timing(milliseconds: milliseconds, syncMilliseconds: syncs.sorted(), idleOurs: rest.ours, idleServers: rest.server - alone)
        }
        guard let timing else { throw Wrong("nothing was measured") }
        return timing
    }

    /// How long each of some hundred writes takes until it is on the disk, at the writers' pace.
    private static func syncs(_ path: String) throws -> [Double] {
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Wrong("\(path) cannot be made") }
        defer { close(file) }
        let block = [UInt8](repeating: 1, count: 8192)
        return try (0..<200).map { _ in
            usleep(UInt32(everyNanoseconds / 1000))
            let began = monotonicNanoseconds()
            guard write(file, block, block.count) == block.count, fdatasync(file) == 0 else { throw Wrong("\(path) cannot be written") }
            return Double(monotonicNanoseconds() - began) / 1_000_000
        }
    }

    private func latencies(_ pipe: PostgresPipe, _ log: EmbeddedLog) throws -> [Double] {
        let consumer = try log.openConsumer(ConsumerOptions(group: nil))
        defer { consumer.close() }
        try consumer.subscribe(.topics([PostgresPipe.topic.topic]))
        let writer = Writer(url: pipe.url)
        try PlainThread.start("writer") { writer.run(rows: Self.rows + Self.warmUpRows, everyNanoseconds: Self.everyNanoseconds) }
        var received: [UInt64] = []
        try ChangeCheck.follow(consumer, until: { received.count == Self.rows + Self.warmUpRows || writer.problem != nil }) { batch, index in
            let now = monotonicNanoseconds()
            try ChangeCheck.checkInsert(batch, index, id: received.count + 1)
            received.append(now)
        }
        if let problem = writer.problem { throw Wrong("the writer failed: \(problem)") }
        return zip(writer.committed, received).dropFirst(Self.warmUpRows).map { Double($1 - $0) / 1_000_000 }.sorted()
    }
}

/// Commits one row at a time, in a rhythm, and notes when it asked for each commit.
private final class Writer: Sendable {
    private struct State {
        var committed: [UInt64] = []
        var problem: String?
    }
    private let state = Mutex(State())
    private let url: String

    init(url: String) { self.url = url }

    var committed: [UInt64] { state.withLock(\.committed) }
    var problem: String? { state.withLock(\.problem) }

    func run(rows: Int, everyNanoseconds: UInt64) {
        do {
            let sql = try Connection.open(ConnectionParameters(url: url))
            defer { sql.close() }
            var next = monotonicNanoseconds()
            for number in 1...rows {
                next += everyNanoseconds
                let now = monotonicNanoseconds()
                if now < next { usleep(UInt32((next - now) / 1000)) }
                try sql.execute("BEGIN; INSERT INTO orders VALUES (\(number), 'customer-\(number % 1000)', \(number).25, 'order \(number)', \(number))")
                state.withLock { $0.committed.append(monotonicNanoseconds()) }
                try sql.execute("COMMIT")
            }
        } catch {
            state.withLock { $0.problem = "\(error)" }
        }
    }
}

func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
