internal import Synchronization

/// A table whose changes or rows a source puts on a topic, named so that whoever writes tables can tell it.
public struct CapturedTable: Sendable, Hashable {
    /// The same for whoever reads or writes the table, by whatever address: `postgresql:<server>/<database>/<table>`, each by its lasting number.
    public let identity: String
    /// For people: `public.orders`.
    public let name: String
    /// Members of the records' source block by which a sink may name its table: `table`, `schema`, `db`.
    public let source: [Name: String]
    /// Where its records go; behind the connector's transforms once the runner has it.
    public let topic: Name
    /// Who captures it; filled in by the runner.
    public let connector: Name

    public init(identity: String, name: String, source: [Name: String], topic: Name, connector: Name = "") {
        self.identity = identity
        self.name = name
        self.source = source
        self.topic = topic
        self.connector = connector
    }

    /// The same, as it is told to sinks.
    package func of(_ connector: Name, to topic: Name) -> CapturedTable {
        CapturedTable(identity: identity, name: name, source: source, topic: topic, connector: connector)
    }
}

/// What the sources of a worker capture at the moment, for its sinks: one that writes a table's topic into that very table would feed itself.
public final class CapturedTables: Sendable {
    private struct Key: Hashable {
        let connector: Name
        let task: Int
    }
    private struct State {
        var generation: UInt64 = 0
        var tables: [Key: (epoch: Int64, tables: [CapturedTable])] = [:]
    }
    private let state = Mutex(State())

    public init() {}

    /// What a run of a task captures, in place of what was said of that task before.
    package func set(_ tables: [CapturedTable], connector: Name, task: Int, epoch: Int64) {
        state.withLock { state in
            let key = Key(connector: connector, task: task)
            // A run that was given up does not speak for the one after it.
            if let known = state.tables[key], known.epoch > epoch || known.epoch == epoch && known.tables == tables { return }
            state.tables[key] = (epoch, tables)
            state.generation += 1
        }
    }

    /// A run of a task has ended.
    package func remove(connector: Name, task: Int, epoch: Int64) {
        state.withLock { state in
            let key = Key(connector: connector, task: task)
            guard state.tables[key]?.epoch == epoch else { return }
            state.tables[key] = nil
            state.generation += 1
        }
    }

    /// All of them, with a number that grows with each change; `nil` when nothing has changed since that number.
    /// - Parameter generation: 0 for the first time.
    public func since(_ generation: UInt64) -> (tables: [CapturedTable], generation: UInt64)? {
        state.withLock { state in
            if state.generation == generation { return nil }
            return (state.tables.values.flatMap(\.tables), state.generation)
        }
    }
}
