internal import ConnectRuntime

/// Retention, compaction and the removal of deleted topics' records: one small step at a time, between group commits, so that nobody
/// waits for more than a step. Lives on the writer's thread; timers are monotonic.
final class Maintenance {
    private let log: LogState
    private let options: EmbeddedLogOptions
    private var nextRound: UInt64
    /// What this round has still to look at.
    private var retention: [PartitionLog] = []
    private var compactions: [Compaction] = []

    init(log: LogState, options: EmbeddedLogOptions) {
        self.log = log
        self.options = options
        nextRound = Maintenance.afterInterval(options)
    }

    private static func afterInterval(_ options: EmbeddedLogOptions) -> UInt64 {
        options.clock.monotonicNanoseconds(after: max(1, options.maintenanceIntervalMilliseconds))
    }

    /// How long the writer may sleep when nothing else comes. A log without anything to keep up sleeps for long.
    func millisecondsToNext() -> Int {
        if hasSteps { return 0 }
        guard log.topics.contains(where: { Maintenance.needsCare($0.description.configuration) }) else { return 3_600_000 }
        let now = options.clock.monotonicNanoseconds()
        return now >= nextRound ? 0 : Int((nextRound - now) / 1_000_000) + 1
    }

    private var hasSteps: Bool { !retention.isEmpty || !compactions.isEmpty || !log.garbage.isEmpty }

    private static func needsCare(_ configuration: TopicConfiguration) -> Bool {
        configuration.isCompacted || configuration.retentionMilliseconds != nil || configuration.retentionBytes != nil
    }

    /// The next step, `nil` when there is nothing to do.
    func nextRequest() -> WriteRequest? {
        let now = options.clock.monotonicNanoseconds()
        if !hasSteps, now >= nextRound {
            nextRound = Maintenance.afterInterval(options)
            for topic in log.topics where Maintenance.needsCare(topic.description.configuration) {
                if topic.description.configuration.isCompacted {
                    compactions += topic.partitions.filter(Compaction.isWorthwhile).map { Compaction($0, options) }
                }
                let configuration = topic.description.configuration
                if configuration.retentionMilliseconds != nil || configuration.retentionBytes != nil { retention += topic.partitions }
            }
        }
        if let (first, count) = log.garbage.first { return removeGarbage(first, count) }
        if let partition = retention.popLast() {
            return request { [weak self, options] transaction in
                let isUnfinished = try Retention.step(partition, in: transaction, now: options.clock.wallMilliseconds())
                if isUnfinished { transaction.afterCommit { self?.retention.append(partition) } }
            }
        }
        if let compaction = compactions.popLast() {
            return request { [weak self] transaction in
                let next = try compaction.step(in: transaction)
                transaction.afterCommit { if compaction.advance(to: next) { self?.compactions.append(compaction) } }
            }
        }
        return nil
    }

    private func removeGarbage(_ first: Int64, _ count: Int64) -> WriteRequest {
        let log = log
        return request { transaction in
            if try transaction.removeGarbage(firstSerial: first, count: count, limit: Maintenance.batchesAtOnce) { return }
            try transaction.remove(.garbage, offsetValue(first))
            transaction.afterCommit { log.update { $0.garbage[first] = nil } }
        }
    }

    /// Only ever applied by the thread that made it.
    private func request(_ body: @escaping (WriterTransaction) throws -> Void) -> WriteRequest {
        let local = ThreadLocalBody(body)
        let logger = options.logger
        return WriteRequest(isExclusive: true, apply: { try local.body($0) }) { error in
            if let error, error.kind != .fatal { logger.error("retention or compaction could not go on", error: error.connectError) }
        }
    }

    /// `@unchecked Sendable`: made and applied on the writer's thread. The sync thread may drop it, which runs nothing.
    private final class ThreadLocalBody: @unchecked Sendable {
        let body: (WriterTransaction) throws -> Void
        init(_ body: @escaping (WriterTransaction) throws -> Void) { self.body = body }
    }

    static let batchesAtOnce = 64
}
