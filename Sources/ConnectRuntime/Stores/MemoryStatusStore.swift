internal import Synchronization

/// States of connectors and tasks in memory: what one process needs, since after a start everything is stated anew.
public final class MemoryStatusStore: StatusStore {
    private let statuses = Mutex<[StatusSubject: Status]>([:])
    private let used = Mutex<[Name: Set<Name>]>([:])

    public init() {}

    public func put(_ status: Status, for subject: StatusSubject) { statuses.withLock { $0[subject] = status } }

    @discardableResult public func putSafely(_ status: Status, for subject: StatusSubject) -> Bool {
        statuses.withLock { statuses in
            if let stored = statuses[subject], !equalBytes(stored.workerID, status.workerID), stored.generation > status.generation { return false }
            statuses[subject] = status
            return true
        }
    }

    public func remove(connector: Name) {
        statuses.withLock { statuses in
            statuses = statuses.filter { subject, _ in
                switch subject {
                case .connector(let name): name != connector
                case .task(let name, _): name != connector
                }
            }
        }
        forgetTopics(of: connector)
    }

    public func removeTask(connector: Name, task: Int) { statuses.withLock { $0[.task(connector: connector, task: task)] = nil } }

    public func status(of subject: StatusSubject) -> Status? { statuses.withLock { $0[subject] } }

    public func tasks(of connector: Name) -> [(task: Int, status: Status)] {
        statuses.withLock { statuses in
            statuses.compactMap { subject, status in
                guard case .task(let name, let task) = subject, name == connector else { return nil }
                return (task, status)
            }
        }.sorted { $0.task < $1.task }
    }

    public func noteTopic(_ topic: Name, of connector: Name) { used.withLock { _ = $0[connector, default: []].insert(topic) } }
    public func topics(of connector: Name) -> [Name] { used.withLock { $0[connector]?.sorted() ?? [] } }
    public func forgetTopics(of connector: Name) { used.withLock { $0[connector] = nil } }
}
