public import ConnectRuntime
internal import SQLite
internal import Synchronization

/// The topic log of one process: topics in a single SQLite file, no broker to operate (D3).
public final class EmbeddedLog: TopicLog {
    let options: EmbeddedLogOptions
    let queue: WriterQueue
    let log: LogState
    let waiters: Waiters
    let coordinator: GroupCoordinator
    private let ended: Reply<Bool>
    private let folder: DataFolder
    private let schemaCache = Mutex<[SchemaID: [UInt8]]>([:])
    private let embeddedConfigStore: EmbeddedConfigStore
    private let ahead: CheckpointAhead
    /// Pages that checkpoints found copied already: for tests, which see to it that there are any.
    package var pagesLeftOut: Int { ahead.pagesLeftOut }

    public let clusterID: String

    /// Opens the log of a folder, or makes one. Takes the folder for this process, checks what is stored, and starts the writer's thread.
    /// - Throws: ``LogError``: `.invalid` when the folder cannot be used or another process uses it, `.damaged` when something is lost or damaged.
    public static func open(_ options: EmbeddedLogOptions) throws(LogError) -> EmbeddedLog {
        let folder = try DataFolder(options.folder, mayCreate: options.mayCreate)
        do {
            let opened = try LogFile.open(folder, options)
            return try EmbeddedLog(options, folder, opened)
        } catch {
            throw asLogError(error, during: "opening the log in \(folder.path)")
        }
    }

    private init(_ options: EmbeddedLogOptions, _ folder: DataFolder, _ opened: LogFile.Opened) throws {
        self.options = options
        self.folder = folder
        let content = try Loader(opened.storage, opened.state).load()
        let log = LogState(content, logID: opened.state.logID), ahead = opened.ahead
        self.log = log
        self.ahead = ahead
        clusterID = Base64.urlSafe(opened.state.logID)
        let queue = WriterQueue(patienceMilliseconds: options.patienceMilliseconds), waiters = Waiters(), ended = Reply<Bool>()
        self.queue = queue
        self.waiters = waiters
        self.ended = ended
        coordinator = GroupCoordinator(
            log: log, clock: options.clock, maximumPollIntervalMilliseconds: options.maximumPollIntervalMilliseconds)
        embeddedConfigStore = try EmbeddedConfigStore(queue: queue, storage: opened.storage)
        let stopping = Stopping(folder: folder, queue: queue, waiters: waiters, logger: options.logger)
        let sync = CommitSync(
            ahead: ahead, marker: opened.marker, tail: TailBudget(limit: options.tailByteLimit), waiters: waiters, stopping: stopping)
        let handed = HandedOver(opened)
        do {
            try PlainThread.start("topic-log-sync") {
                queue.adopt()
                sync.run()
            }
            try PlainThread.start("topic-log-copy") { ahead.run() }
            try PlainThread.start("topic-log") {
                Writer(handed.content, folder: folder, queue: queue, log: log, waiters: waiters, sync: sync, stopping: stopping, options: options).run()
                ended.give(.success(true))
            }
        } catch {
            sync.close()
            ahead.end()
            throw LogError(.fatal, error.message, suggestion: error.suggestion)
        }
    }

    /// Ends the log when nobody uses it any more.
    deinit { queue.close(EmbeddedLog.closedError) }

    static let closedError = LogError(.fatal, "the log is closed")

    public var impediment: LogError? { queue.refusal ?? log.waitsFor }

    public func close() {
        queue.close(EmbeddedLog.closedError)
        coordinator.closeAll()
        // The writer's own waits are all bounded: the disk answers, or the kernel reports an error.
        while ended.wait(milliseconds: 60_000) == nil {
            options.logger.warning("still waiting for the disk to take the last commits of the log in \(folder.path)")
        }
    }

    // MARK: topics

    public func topics() throws(LogError) -> [TopicDescription] { log.topics.map(\.description).sorted { $0.name < $1.name } }

    public func topic(_ name: Name) throws(LogError) -> TopicDescription? { log.topic(name)?.description }

    public func bounds(of partition: TopicPartition) throws(LogError) -> PartitionBounds { try log.partition(partition).bounds }

    public func createTopic(_ specification: TopicSpecification) throws(LogError) -> TopicDescription {
        let made = try TopicAdministration.create(specification, self)
        coordinator.topicsChanged()
        return made
    }

    public func deleteTopic(_ name: Name) throws(LogError) {
        try TopicAdministration.delete(name, self)
        coordinator.topicsChanged()
    }

    // MARK: sessions

    public func openProducer(_ id: ProducerID) throws(LogError) -> any LogProducer {
        let epoch = Slot<Int64>(0)
        try perform { transaction in
            transaction.state.producerEpoch += 1
            epoch.value = transaction.state.producerEpoch
            try Fencing.raise([id.name] + id.alsoFences, to: epoch.value, in: transaction)
        }
        return EmbeddedProducer(self, ProducerSession(name: id.name, epoch: epoch.value))
    }

    public func openConsumer(_ options: ConsumerOptions) throws(LogError) -> any LogConsumer { EmbeddedConsumer(self, options) }

    /// Bytes that one of this log's consumers holds for later polls: for tests, which see to it that they stay within a bound.
    package static func heldBytes(_ consumer: any LogConsumer) -> Int? { (consumer as? EmbeddedConsumer)?.heldBytes }

    // MARK: groups

    public func committedOffsets(group: Name) throws(LogError) -> [TopicPartition: CommittedOffset] {
        let stored = log.group(group)
        var offsets: [TopicPartition: CommittedOffset] = [:]
        for topic in log.topics { for partition in topic.partitions { offsets[partition.topicPartition] = stored[partition.serial] } }
        return offsets
    }

    public func alterCommittedOffsets(group: Name, _ offsets: [TopicPartition: CommittedOffset?]) throws(LogError) {
        if coordinator.hasMembers(group) {
            throw LogError(.invalid, "the offsets of group \(group) cannot be set while it has members", suggestion: "stop the connector first")
        }
        var rows: [(PartitionLog, CommittedOffset?)] = []
        for (place, offset) in offsets {
            let partition = try log.partition(place)
            if let offset, offset.offset < 0 || offset.offset > partition.end {
                throw LogError(.offsetOutOfRange, "\(place) has no offset \(offset.offset): it ends at \(partition.end)")
            }
            rows.append((partition, offset))
        }
        let changes = rows
        try perform { transaction in try GroupOffsets.store(group, changes, in: transaction) }
    }

    // MARK: stores

    public var offsets: any OffsetStore { EmbeddedOffsetStore(self) }
    public var schemas: (any LogSchemas)? { EmbeddedSchemas(self) }
    /// What shall run, stored in the same file.
    public var configStore: any ConfigStore { embeddedConfigStore }

    public func progress(prefix: [UInt8]) throws(LogError) -> [ProgressRow] {
        try read { storage in
            var rows: [ProgressRow] = []
            try storage.scan(.progress, prefix: prefix) { key, value in rows.append(ProgressRow(key: key, value: value)) }
            return rows
        }
    }

    func cachedSchema(_ id: SchemaID) -> [UInt8]? { schemaCache.withLock { $0[id] } }
    func cache(_ schema: StoredSchema) {
        schemaCache.withLock { cache in
            // Schemas are few; a log that has more than this many reads the rest from the file.
            if cache.count < 1024 { cache[schema.id] = schema.json }
        }
    }
}

/// The opened database on its way to the writer's thread.
/// `@unchecked Sendable`: it is handed over once, before that thread starts, and not touched by the giver afterwards.
private final class HandedOver: @unchecked Sendable {
    let content: LogFile.Opened
    init(_ content: LogFile.Opened) { self.content = content }
}
