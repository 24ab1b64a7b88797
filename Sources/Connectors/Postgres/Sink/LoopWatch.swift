internal import ConnectRuntime
internal import Postgres

/// What a sink knows of the tables that sources of its worker capture in its own database. A value.
struct LoopWatch {
    private struct Way: Hashable {
        let table: UInt32
        let topic: Name
    }

    private let database: DatabaseIdentity?
    private var generation: UInt64 = 0
    private var captured: [CapturedTable] = []
    /// Ways that are no loop.
    private var cleared: Set<Way> = []
    private static let mostCleared = 10_000

    /// - Parameter database: `nil` where it could not be told; then nothing is noticed.
    init(_ database: DatabaseIdentity?) { self.database = database }

    /// Takes what has changed.
    /// - Returns: whether there is anything to look for.
    mutating func isNeeded(_ news: (UInt64) -> (tables: [CapturedTable], generation: UInt64)?) -> Bool {
        if let found = news(generation) {
            generation = found.generation
            captured = found.tables.filter { database?.holds($0) ?? false }
            cleared = []
        }
        return !captured.isEmpty
    }

    /// The captured table that a topic would be written into; `nil` when there is none.
    /// - Parameter root: the table's number, or that of the table it is a partition of.
    mutating func loop(_ table: UInt32, from topic: Name, root: () throws -> UInt32) rethrows -> CapturedTable? {
        guard captured.contains(where: { $0.topic == topic }), !cleared.contains(Way(table: table, topic: topic)) else { return nil }
        let identity = database?.table(try root()) ?? ""
        if let found = captured.first(where: { $0.topic == topic && equalBytes($0.identity, identity) }) { return found }
        if cleared.count >= LoopWatch.mostCleared { cleared = [] }
        cleared.insert(Way(table: table, topic: topic))
        return nil
    }
}

extension PostgresSinkSession {
    func watchesLoops() -> Bool { loops.isNeeded { context.captured(since: $0) } }

    func refuseLoop(_ layout: Layout, from topic: Name) throws {
        guard case .ready(let statements) = layout.state else { return }
        let found = try loops.loop(statements.table, from: topic) {
            try run(DatabaseIdentity.root, [.text(String(statements.table))]).text(0, 0).flatMap { UInt32($0) } ?? statements.table
        }
        if let found { throw ConnectError.loop(found, connection.place) }
    }
}
