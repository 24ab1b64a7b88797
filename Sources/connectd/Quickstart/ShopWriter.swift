import ConnectRuntime
import SQLite
import Synchronization

/// Keeps changing the shop: orders come, are paid and are cleared away, customers move. Remembers when each change was committed.
final class ShopWriter: Sendable {
    private struct State {
        var committed: [Int64: UInt64] = [:]
        var deleted: [String: UInt64] = [:]
        var changes: Int64 = 0
        var failure: String?
        var hasEnded = false
    }
    private let path: String
    private let state = Mutex(State())
    private let stopping = WakeUp()
    private let ended = ThreadCondition()

    /// Between two changes: few enough for eyes to follow.
    private static let pauseMilliseconds = 400

    init(_ path: String) { self.path = path }

    func start() throws { try PlainThread.start("shop") { self.run() } }

    /// Ends it and waits until it wrote its last change; bounded.
    func stop() {
        stopping.set()
        _ = ended.wait(milliseconds: 10_000) { self.state.withLock { $0.hasEnded ? true : nil } }
    }

    var changes: Int64 { state.withLock { $0.changes } }
    var failure: String? { state.withLock { $0.failure } }

    /// When the change that wrote a row was committed, on the monotonic clock.
    func time(ofChange number: Int64) -> UInt64? { state.withLock { $0.committed[number] } }
    func time(ofDeletion table: String, id: Int64) -> UInt64? { state.withLock { $0.deleted["\(table)/\(id)"] } }

    private func run() {
        do {
            let database = try Database(path: path, mode: .readWrite)
            defer { database.close() }
            var number: Int64 = 0
            while !stopping.wait(milliseconds: Self.pauseMilliseconds) {
                number += 1
                try change(number, database)
            }
        } catch {
            state.withLock { $0.failure = "\(error)" }
        }
        state.withLock { $0.hasEnded = true }
        ended.broadcast()
    }

    private func change(_ number: Int64, _ database: Database) throws {
        let oldest = try database.integer("SELECT min(id) FROM orders") ?? 1
        let newest = try database.integer("SELECT max(id) FROM orders") ?? 1
        switch number % 5 {
        case 1, 3:
            try database.execute(
                "INSERT INTO orders (customer, total, state, change) VALUES (\(number % 3 + 1), '\(number * 7 % 90 + 5).\(number % 9)0', 'new', \(number))")
            commit(number)
        case 2:
            try database.execute("UPDATE orders SET state = 'paid', change = \(number) WHERE id = \(newest)")
            commit(number)
        case 4:
            let cities = ["Oslo", "Kyōto", "São Paulo", "Zürich"]
            try database.execute(
                "UPDATE customers SET city = '\(cities[Int(number / 5) % cities.count])', change = \(number) WHERE id = \(number / 5 % 3 + 1)")
            commit(number)
        default:
            try database.execute("DELETE FROM orders WHERE id = \(oldest)")
            let now = SystemClock().monotonicNanoseconds()
            state.withLock { state in
                state.deleted["orders/\(oldest)"] = now
                state.changes += 1
            }
        }
    }

    private func commit(_ number: Int64) {
        let now = SystemClock().monotonicNanoseconds()
        state.withLock { state in
            state.committed[number] = now
            state.changes += 1
        }
    }
}
