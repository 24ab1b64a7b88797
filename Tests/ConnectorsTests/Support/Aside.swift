import ConnectRuntime
import ConnectTesting
import Postgres
import PostgresTesting
import Synchronization

/// Something done on a thread of its own beside a test, to be waited for.
final class Aside: Sendable {
    private let outcome = Mutex<Result<Void, any Error>?>(nil)
    private let ended = ThreadCondition()

    init(_ body: @escaping @Sendable () throws -> Void) throws {
        try PlainThread.start("aside") { [self] in
            let result = Result { try body() }
            outcome.withLock { $0 = result }
            ended.broadcast()
        }
    }

    /// Waits for its end; what it threw is thrown here.
    func wait() throws {
        guard let result = ended.wait(milliseconds: 240_000, until: { outcome.withLock { $0 } }) else { throw ServerProblem("what goes on beside the test does not end") }
        try result.get()
    }
}

/// Set once, seen by any thread.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    private let condition = ThreadCondition()
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() {
        value.store(true, ordering: .releasing)
        condition.broadcast()
    }
    /// - Returns: whether it is set.
    @discardableResult
    func wait(milliseconds: Int = 240_000) -> Bool { condition.wait(milliseconds: milliseconds) { isSet ? () : nil } != nil }
}

/// Sessions that a test tells apart by their `application_name`.
struct NamedSessions: Sendable {
    let server: PostgresServer
    let database: String

    /// A session on a thread of its own, which has run a first statement when this returns and then goes on beside the test.
    func rival(_ name: String, _ first: String, then: @escaping @Sendable (Connection) throws -> Void) throws -> Aside {
        let sessions = self
        let ready = Flag()
        let aside = try Aside {
            defer { ready.set() }
            let connection = try sessions.connect(name)
            defer { connection.close() }
            try connection.execute(first)
            ready.set()
            try then(connection)
        }
        ready.wait()
        return aside
    }

    func url(_ name: String) -> String { server.url(database) + "&application_name=\(name)" }
    func connect(_ name: String) throws -> Connection { try Connection.open(ConnectionParameters(url: url(name))) }

    /// Waits until one waits for a lock of another.
    func awaitThat(_ waiting: String, waitsFor holder: String) throws {
        let watch = try connect("watch")
        defer { watch.close() }
        let sql = """
            SELECT EXISTS (SELECT FROM pg_stat_activity w, pg_stat_activity h WHERE w.datname = current_database() AND h.datname = current_database()
            AND w.application_name = '\(waiting)' AND h.application_name = '\(holder)' AND h.pid = ANY (pg_blocking_pids(w.pid)))
            """
        if !eventually(milliseconds: 120_000, { (try? watch.execute(sql).boolean(0, 0)) == true }) { throw ServerProblem("\(waiting) never waits for \(holder)") }
    }
}
