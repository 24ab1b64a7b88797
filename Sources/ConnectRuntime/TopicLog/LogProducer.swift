/// A producer session: one id, one epoch, one thread at a time.
///
/// Order of calls: `begin`, any of `append`, `storeOffsets`, `storeProgress`, then `commit` or `abort`; again.
/// All of one transaction becomes visible and durable together, or not at all. An open transaction is held in memory bounded by
/// the engine's `transactionByteLimit`; beyond it `append` is `.invalid` and the transaction must be aborted.
/// Several commits may be in flight; they become durable in the order of the calls. After one of them failed, those
/// queued behind it fail too (`.abortable`), and so does `begin`, until ``abort()`` says that the failure was heard of: nothing
/// overtakes a failure. After `.fenced` and `.fatal` there is no going on.
public protocol LogProducer: AnyObject {
    /// The fencing epoch of this session; hand it to whatever the session writes elsewhere.
    var epoch: Int64 { get }

    /// Most bytes one transaction may hold.
    var transactionByteLimit: Int { get }

    /// Starts a transaction. `.invalid` when one is open, `.abortable` after a failure that ``abort()`` has not yet acknowledged. Waits a
    /// few seconds for room when too much is in flight, then `.retriable`.
    func begin() throws(LogError)

    /// Adds records to the open transaction, in their order. They get offsets at commit. `.unknownTopic` when the topic does not exist.
    func append(_ records: RecordSet, to partition: TopicPartition) throws(LogError)

    /// Adds source offsets to the open transaction; `nil` removes one. Later ones of the same partition win.
    func storeOffsets(_ offsets: [SourceOffsetRow]) throws(LogError)

    /// Adds progress rows to the open transaction.
    func storeProgress(_ rows: [ProgressRow]) throws(LogError)

    /// Adds schemas to the open transaction; those the log already has cost nothing. A no-op where ``TopicLog/schemas`` is nil.
    func storeSchemas(_ schemas: [StoredSchema]) throws(LogError)

    /// Hands the transaction over to be made durable and returns at once. An empty transaction resolves at once.
    func commit() throws(LogError) -> CommitTicket

    /// Forgets the open transaction, if there is one, and acknowledges a failed commit, if there was one.
    func abort()

    /// Ends the session. Commits in flight go on; an open transaction is aborted. A second call does nothing.
    func close()
}

/// One source offset to store.
public struct SourceOffsetRow: Sendable, Hashable {
    public let connector: Name
    public let partition: SourcePartition
    public let offset: SourceOffset?
    public init(connector: Name, partition: SourcePartition, offset: SourceOffset?) {
        self.connector = connector
        self.partition = partition
        self.offset = offset
    }
}

/// A schema by its content address.
public struct StoredSchema: Sendable, Hashable {
    public let id: SchemaID
    /// The schema in JsonConverter's form: canonical, byte-stable.
    public let json: [UInt8]
    public init(id: SchemaID, json: [UInt8]) {
        self.id = id
        self.json = json
    }
}

/// The content address of a stored schema: 8 bytes in a record's header.
public struct SchemaID: Sendable, Hashable {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
}

/// Schemas kept in the log (design D14). Thread-safe.
public protocol LogSchemas: AnyObject, Sendable {
    /// The stored JSON of a schema, `nil` when the log has none of that id.
    func schema(_ id: SchemaID) throws(LogError) -> [UInt8]?
}
