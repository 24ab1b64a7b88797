internal import ConnectRuntime

/// What a sink holds of a partition in its target: who it is there, and where it goes on.
struct SinkClaim: Hashable {
    var epoch: Int64
    /// The offset of the next record to write.
    var next: Int64
    /// Whether the target had a position in the middle of the partition when it was claimed: earlier records are written.
    var isResumed = false
}

/// A target as ``SinkPut`` writes to it: one transaction at a time. Used on the task's thread.
///
/// A session may keep back what it is asked for and send it with the next call that needs an answer; ``settle()`` and ``commit()`` bring all errors out.
protocol SinkSession: AnyObject, SendableMetatype {
    associatedtype Statements: SinkStatements
    typealias Layout = SinkLayout<Statements>
    typealias Segments = SinkSegments<Statements>

    /// Begins the transaction of a batch.
    func begin(wake: WakeUp) throws
    /// The fence: moves a position, or fails with `.fenced` when somebody else has claimed the partition since.
    func advance(_ partition: TopicPartition, _ claim: SinkClaim, to next: Int64, logEpoch: Int32?) throws
    /// Whether somebody changed tables since the last call, where the target can tell cheaply.
    func hasNewSchema() throws -> Bool
    /// Brings a layout together with its table, making and changing that where it may; sets the layout's state.
    /// - Returns: whether a table was made or changed.
    func prepare(_ layout: Layout) throws -> Bool
    /// Whether any table that is captured could be one of the target's; asked once for each batch.
    func watchesLoops() -> Bool
    /// Throws where a topic is a captured table's and is written into that very table. Inside the transaction, for layouts that are ready.
    func refuseLoop(_ layout: Layout, from topic: Name) throws
    /// Applies changes in their order.
    /// - Parameter atFault: set to the entry that is being applied, where changes are applied one by one.
    func apply(_ steps: ArraySlice<Segments.Step>, of segments: Segments, _ batch: RecordBatch, atFault: inout Int?) throws
    /// All that was asked for is done when it returns.
    func settle() throws
    /// The same, constraints included that would otherwise be checked at COMMIT, when nobody can tell any more whose fault it is.
    func settleConstraints() throws
    func commit() throws
    /// Ends the transaction without a trace, also after it has failed. Must not throw.
    func rollBack()

    func setSavepoint() throws
    func releaseSavepoint() throws
    func returnToSavepoint() throws

    /// Whether a transaction is open that can be gone on with after ``returnToSavepoint()``.
    var isInTransaction: Bool { get }
    /// Whether the same record would meet the error again, whatever comes before it.
    func isRecordsFault(_ error: any Error) -> Bool
    /// Whether the error says that a table is not what it was when its layout was prepared.
    func isStale(_ error: any Error) -> Bool
    /// Whether a COMMIT that ended with this error may have taken.
    func leavesDoubt(_ error: any Error) -> Bool
    func dataError(_ error: any Error) -> ConnectError
    /// Tables that this transaction changed are as they were (`false`), or it was committed.
    func schemaChangeEnded(committed: Bool) throws

    /// Tests look at it and may fail there.
    func reach(_ point: String) throws
}

extension SinkSession {
    func watchesLoops() -> Bool { false }
    func refuseLoop(_ layout: Layout, from topic: Name) throws {}
}
