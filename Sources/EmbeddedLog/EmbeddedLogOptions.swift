public import ConnectRuntime
internal import Glibc

/// Where an embedded log lives and how much it may hold in memory.
public struct EmbeddedLogOptions: Sendable {
    /// The data folder. Made with mode 0700 when it is missing and ``mayCreate`` allows it.
    public var folder: String
    /// False: an absent folder or log is an error, and nothing is made. For commands that look at a stopped worker's folder.
    public var mayCreate: Bool = true
    /// Most bytes of records one producer transaction holds, and of one session's commits in flight.
    public var transactionByteLimit = 64 << 20
    /// Where one append is cut into several record batches; a single larger record stands alone.
    public var batchByteLimit = 1 << 20
    /// Bytes of one group commit, beyond which further sessions wait for the next.
    public var groupByteLimit = 16 << 20
    /// Size of the write-ahead log at which its content moves into the database file.
    public var walByteLimit = 32 << 20
    /// Committed batches kept in memory for waiting consumers, of all partitions together.
    public var tailByteLimit = 8 << 20
    /// Bytes one read brings in for a consumer that is behind.
    public var readByteLimit = 1 << 20
    /// A group member that does not poll for so long loses its partitions to members that do.
    public var maximumPollIntervalMilliseconds = 300_000
    /// How often a write is tried again while the disk is full.
    public var fullDiskRetryMilliseconds = 1000
    /// How often retention and compaction look for work.
    public var maintenanceIntervalMilliseconds = 5000
    /// How long a compacted topic keeps tombstones, so that every reader can see them.
    public var tombstoneRetentionMilliseconds: Int64 = 86_400_000
    public var clock: any WorkerClock = SystemClock()
    public var logger: Logger = .silent
    /// How long whoever waits for the writer is kept waiting before they are told; tests have less patience.
    package var patienceMilliseconds = 30_000
    /// Caps the database file, so that tests meet a full disk without filling one.
    package var maximumPageCount: Int64?
    /// Makes commits durable: `fdatasync`, but where a test has the disk wait or fail.
    package var synchronizing: @Sendable (Int32) -> Int32 = { fdatasync($0) }

    public init(folder: String) { self.folder = folder }
}
