internal import ConnectRuntime
internal import Synchronization

/// Configurations, target states and task sets in the log's own file. Reading is from memory; writing waits for the disk.
final class EmbeddedConfigStore: ConfigStore {
    private struct Content {
        var snapshot = ConfigSnapshot()
        /// Of every connector that ever had a task set.
        var generations: [Name: Int64] = [:]
    }
    private let content: Mutex<Content>
    private let observers = Observers()
    private let queue: WriterQueue

    init(queue: WriterQueue, storage: Storage) throws {
        self.queue = queue
        content = Mutex(try EmbeddedConfigStore.load(storage))
    }

    private static func load(_ storage: Storage) throws -> Content {
        var content = Content()
        try storage.scan(.connector) { key, value in
            guard let name = String(validating: key, as: UTF8.self), let json = try? JSON.parse(value), let config = try? ConfigMap(json: json) else {
                throw Entry.damaged(.connector, "cannot be read")
            }
            content.snapshot.connectors[Name(name)] = ConfigSnapshot.Entry(config: config, targetState: .started)
        }
        try storage.scan(.targetState) { key, value in
            guard let name = String(validating: key, as: UTF8.self), let text = String(validating: value, as: UTF8.self), let state = TargetState(rawValue: text)
            else { throw Entry.damaged(.targetState, "cannot be read") }
            content.snapshot.connectors[Name(name)]?.targetState = state
        }
        try storage.scan(.taskSet) { key, value in
            guard let name = String(validating: key, as: UTF8.self), let row = TaskSetRow(value: value) else { throw Entry.damaged(.taskSet, "cannot be read") }
            content.generations[Name(name)] = row.generation
            if let configs = row.configs {
                content.snapshot.connectors[Name(name)]?.tasks = ConfigSnapshot.TaskSet(configs: configs, generation: row.generation)
            }
        }
        return content
    }

    func snapshot() throws(LogError) -> ConfigSnapshot { content.withLock { $0.snapshot } }

    func putConnector(_ name: Name, _ config: ConfigMap, targetState: TargetState?) throws(LogError) {
        try write(.connector(name)) { store, transaction in
            let before = store.content.withLock { $0.snapshot.connectors[name] }
            let state = targetState ?? before?.targetState ?? .started
            try transaction.put(.connector, Array(name.text.utf8), config.json.serialized())
            try transaction.put(.targetState, Array(name.text.utf8), Array(state.rawValue.utf8))
            return { $0.snapshot.connectors[name] = ConfigSnapshot.Entry(config: config, targetState: state, tasks: before?.tasks) }
        }
    }

    func removeConnector(_ name: Name) throws(LogError) {
        try write(.removed(name)) { store, transaction in
            let (known, generation) = store.content.withLock { ($0.snapshot.connectors[name] != nil, $0.generations[name]) }
            guard known else { throw LogError(.invalid, "there is no connector \(name)") }
            try transaction.remove(.connector, Array(name.text.utf8))
            try transaction.remove(.targetState, Array(name.text.utf8))
            if let generation { try transaction.put(.taskSet, Array(name.text.utf8), TaskSetRow(generation: generation, configs: nil).value) }
            return { $0.snapshot.connectors[name] = nil }
        }
    }

    func putTasks(_ connector: Name, _ configs: [ConfigMap]) throws(LogError) {
        try write(.tasks(connector)) { store, transaction in
            let (known, last) = store.content.withLock { ($0.snapshot.connectors[connector] != nil, $0.generations[connector] ?? 0) }
            guard known else { throw LogError(.invalid, "there is no connector \(connector)") }
            let generation = last + 1
            try transaction.put(.taskSet, Array(connector.text.utf8), TaskSetRow(generation: generation, configs: configs).value)
            return {
                $0.generations[connector] = generation
                $0.snapshot.connectors[connector]?.tasks = ConfigSnapshot.TaskSet(configs: configs, generation: generation)
            }
        }
    }

    func putTargetState(_ connector: Name, _ state: TargetState) throws(LogError) {
        try write(.targetState(connector)) { store, transaction in
            guard store.content.withLock({ $0.snapshot.connectors[connector] != nil }) else { throw LogError(.invalid, "there is no connector \(connector)") }
            try transaction.put(.targetState, Array(connector.text.utf8), Array(state.rawValue.utf8))
            return { $0.snapshot.connectors[connector]?.targetState = state }
        }
    }

    func putRestart(_ request: RestartRequest) throws(LogError) {
        // Through the queue as well, so that listeners hear of it between the same writes as everybody.
        let observers = observers
        try queue.perform(isExclusive: true) { transaction in transaction.afterCommit { observers.tell(.restart(request)) } }
    }

    func observe(_ listener: @escaping @Sendable (ConfigChange) -> Void) -> any StoreObservation { observers.add(listener) }

    private typealias Change = @Sendable (inout Content) -> Void

    private func write(_ change: ConfigChange, _ body: @escaping @Sendable (EmbeddedConfigStore, WriterTransaction) throws -> Change) throws(LogError) {
        try queue.perform(isExclusive: true) { [self] transaction in
            let apply = try body(self, transaction)
            transaction.afterCommit {
                self.content.withLock { apply(&$0) }
                self.observers.tell(change)
            }
        }
    }
}
