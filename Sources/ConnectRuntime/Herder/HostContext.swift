import Synchronization

/// What a connector may ask of the worker. Closed when the connector is stopped: what comes later is ignored.
final class HostContext: ConnectorContext {
    let connector: Name
    let logger: Logger
    let wakeUp = WakeUp()
    let offsets: (any SourceOffsetReader)?
    private let isOpen = Mutex(true)
    private let reconfigure: @Sendable () -> Void
    private let fail: @Sendable (ConnectError) -> Void

    init(
        _ connector: Name, isSource: Bool, parts: WorkerParts, logger: Logger, reconfigure: @escaping @Sendable () -> Void,
        fail: @escaping @Sendable (ConnectError) -> Void
    ) {
        self.connector = connector
        self.logger = logger
        offsets = isSource ? StoredOffsets(connector: connector, store: parts.log.offsets) : nil
        self.reconfigure = reconfigure
        self.fail = fail
    }

    func requestTaskReconfiguration() { if isOpen.withLock({ $0 }) { reconfigure() } }
    func raise(_ error: ConnectError) { if isOpen.withLock({ $0 }) { fail(error) } }

    func close() {
        isOpen.withLock { $0 = false }
        wakeUp.set()
    }

    private final class StoredOffsets: SourceOffsetReader {
        private let connector: Name
        private let store: any OffsetStore
        init(connector: Name, store: any OffsetStore) {
            self.connector = connector
            self.store = store
        }
        func offset(_ partition: SourcePartition) throws -> SourceOffset? { try store.offset(connector: connector, partition: partition) }
    }
}
