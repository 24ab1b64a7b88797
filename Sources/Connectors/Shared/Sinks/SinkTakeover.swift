internal import ConnectRuntime

/// How a partition is taken over by a new run of a task, from what its target holds of it: the same for every database.
struct SinkTakeover {
    let claim: SinkClaim
    /// The leader epoch of the last record written, to be kept with the position.
    let lastLogEpoch: Int32?

    /// - Parameters:
    ///   - next: the stored offset; below 0 it was never written or was reset, and only the epoch lives on. `nil` without a row.
    ///   - table: where positions are kept, for messages.
    /// - Throws: ``ConnectError`` as the policies for recreated topics and gaps say; `.fatal` when there is no higher epoch.
    init(
        topicID: String?, next: Int64?, epoch: Int64?, lastLogEpoch: Int32?, _ assigned: AssignedPartition, _ plan: SinkPlan, table: String
    ) throws {
        var stored: SinkResume.StoredPosition?
        if let topicID, let next, next >= 0 { stored = SinkResume.StoredPosition(topicID: topicID, nextOffset: next, lastLogEpoch: lastLogEpoch) }
        let (higher, overflow) = (epoch ?? 0).addingReportingOverflow(1)
        if overflow {
            throw ConnectError(.fatal, code: "sink.epoch_exhausted", "the epoch of \(assigned.topicPartition) in table \(table) is \(Int64.max)")
        }
        let start: Int64
        switch SinkResume.decide(stored: stored, partition: assigned, onRecreated: plan.recreated, onGap: plan.gap) {
        case .goOn(let offset):
            start = offset
            self.lastLogEpoch = stored?.lastLogEpoch
        case .startOver(let offset):
            start = offset
            self.lastLogEpoch = nil
        case .refuse(let error): throw error
        }
        claim = SinkClaim(epoch: higher, next: start, isResumed: stored != nil && start > assigned.bounds.start)
    }
}
