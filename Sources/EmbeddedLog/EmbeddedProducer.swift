internal import ConnectRuntime

/// A producer session. Records are encoded on the caller's thread, at `append`; the writer only has to place them.
final class EmbeddedProducer: LogProducer {
    private let engine: EmbeddedLog
    private let session: ProducerSession
    private var open: OpenTransaction?
    private var isClosed = false

    private struct OpenTransaction {
        var generation: Int
        var batches: [PendingBatch] = []
        var offsets: [SourceOffsetRow] = []
        var progress: [ProgressRow] = []
        var schemas: [StoredSchema] = []
        var byteCount = 0
    }

    /// An encoded batch on its way to the writer, who fills in its place where it stands: a copy of it would be a quarter of a megabyte.
    /// `@unchecked Sendable`: made on the producer's thread, from the commit on only the writer's.
    private final class PendingBatch: @unchecked Sendable {
        let partition: PartitionLog
        var bytes: [UInt8]
        let recordCount: Int

        init(partition: PartitionLog, bytes: [UInt8], recordCount: Int) {
            self.partition = partition
            self.bytes = bytes
            self.recordCount = recordCount
        }
    }

    init(_ engine: EmbeddedLog, _ session: ProducerSession) {
        self.engine = engine
        self.session = session
    }

    deinit { close() }

    var epoch: Int64 { session.epoch }
    var transactionByteLimit: Int { engine.options.transactionByteLimit }

    func begin() throws(LogError) {
        if isClosed { throw LogError(.invalid, "the session \(session.name) is closed") }
        if open != nil { throw LogError(.invalid, "the session \(session.name) has a transaction open already") }
        if let failure = session.failure { throw failureError(failure) }
        // Commits in flight are bounded too: whoever is faster than the disk waits here.
        let limit = transactionByteLimit, session = session
        let hasRoom: Bool? = session.condition.wait(milliseconds: EmbeddedProducer.patience) {
            session.bytesInFlight < limit || session.failure != nil ? true : nil
        }
        if let failure = session.failure { throw failureError(failure) }
        if hasRoom == nil {
            throw LogError(.retriable, "the log has not yet written \(session.bytesInFlight) bytes of \(session.name)", suggestion: "check that the disk of the data folder is neither full nor slow")
        }
        open = OpenTransaction(generation: session.generation)
    }

    func append(_ records: RecordSet, to place: TopicPartition) throws(LogError) {
        try checkOpen()
        let partition = try engine.log.partition(place)
        if records.isEmpty { return }
        if partition.configuration.isCompacted, (0..<records.count).contains(where: { records.key(at: $0) == nil }) {
            throw LogError(.invalid, "topic \(place.topic) is compacted: every record needs a key")
        }
        let before = open?.byteCount ?? 0
        guard before + records.byteCount <= transactionByteLimit else {
            throw LogError(
                .invalid, "a transaction of \(session.name) would hold more than \(transactionByteLimit) bytes",
                suggestion: "write less in one transaction, or raise the worker's log.transaction.max.bytes")
        }
        for range in BatchEncoder.split(records, maximumBytes: engine.options.batchByteLimit) {
            let bytes = BatchEncoder.encode(records, range: range)
            open?.byteCount += bytes.count
            open?.batches.append(PendingBatch(partition: partition, bytes: bytes, recordCount: range.count))
        }
    }

    func storeOffsets(_ offsets: [SourceOffsetRow]) throws(LogError) {
        try checkOpen()
        open?.byteCount += offsets.reduce(0) { $0 + $1.partition.json.count + ($1.offset?.json.count ?? 0) }
        open?.offsets.append(contentsOf: offsets)
        try checkSize()
    }

    func storeProgress(_ rows: [ProgressRow]) throws(LogError) {
        try checkOpen()
        open?.byteCount += rows.reduce(0) { $0 + $1.key.count + ($1.value?.count ?? 0) }
        open?.progress.append(contentsOf: rows)
        try checkSize()
    }

    func storeSchemas(_ schemas: [StoredSchema]) throws(LogError) {
        try checkOpen()
        let new = schemas.filter { engine.cachedSchema($0.id) != $0.json }
        open?.byteCount += new.reduce(0) { $0 + $1.json.count }
        open?.schemas.append(contentsOf: new)
        try checkSize()
    }

    func commit() throws(LogError) -> CommitTicket {
        try checkOpen()
        guard let transaction = open else { throw LogError(.invalid, "the session \(session.name) has no transaction open") }
        open = nil
        let ticket = CommitTicket()
        if transaction.batches.isEmpty, transaction.offsets.isEmpty, transaction.progress.isEmpty, transaction.schemas.isEmpty {
            ticket.resolve(.durable([:]))
            return ticket
        }
        let first = Slot<[TopicPartition: Int64]>([:])
        let session = session, engine = engine, bytes = transaction.byteCount
        session.addInFlight(bytes)
        let request = WriteRequest(byteCount: bytes, session: session, generation: transaction.generation) { writing in
            try EmbeddedProducer.apply(transaction, of: session, in: writing, first)
        } finish: { error in
            session.addInFlight(-bytes)
            if error == nil { for schema in transaction.schemas { engine.cache(schema) } }
            ticket.resolve(error.map { .failed($0) } ?? .durable(first.value))
        }
        do { try engine.queue.submit(request) } catch {
            session.addInFlight(-bytes)
            throw error
        }
        return ticket
    }

    func abort() {
        open = nil
        session.acknowledgeFailure()
    }

    func close() {
        open = nil
        isClosed = true
    }

    private func checkOpen() throws(LogError) {
        guard let open else { throw LogError(.invalid, "the session \(session.name) has no transaction open") }
        if let failure = session.failure { throw failureError(failure) }
        if open.generation != session.generation { throw LogError(.abortable, "the transaction of \(session.name) was begun before a failure") }
    }

    private func checkSize() throws(LogError) {
        if let open, open.byteCount > transactionByteLimit {
            throw LogError(.invalid, "a transaction of \(session.name) holds more than \(transactionByteLimit) bytes", suggestion: "write less in one transaction, or raise the worker's log.transaction.max.bytes")
        }
    }

    private func failureError(_ failure: LogError) -> LogError {
        switch failure.kind {
        case .fenced, .fatal: failure
        default: LogError(.abortable, "an earlier transaction of \(session.name) failed: \(failure.message)", suggestion: "abort and do its work again")
        }
    }

    /// Checks everything before the first statement, so that a refusal leaves the group commit as it was.
    private static func apply(
        _ transaction: OpenTransaction, of session: ProducerSession, in writing: WriterTransaction, _ first: Slot<[TopicPartition: Int64]>
    ) throws {
        try Fencing.check(session, in: writing.log)
        for batch in transaction.batches {
            let place = batch.partition.topicPartition
            if batch.partition.isDeleted { throw LogError(.unknownTopic, "the topic \(place.topic) was deleted") }
            if writing.row(batch.partition).end + Int64(batch.recordCount) > BatchKey.offsetLimit - 1 {
                throw LogError(.invalid, "\(place) has no offsets left")
            }
        }
        var missing: [StoredSchema] = []
        for schema in transaction.schemas {
            if let stored = try writing.storage.value(.schema, schemaKey(schema.id)) {
                if stored != schema.json { throw LogError(.invalid, "two different schemas have the content address \(schema.id.value)") }
            } else {
                missing.append(schema)
            }
        }
        for schema in missing { try writing.put(.schema, schemaKey(schema.id), schema.json) }
        var offsets: [TopicPartition: Int64] = [:]
        for batch in transaction.batches {
            let base = try writing.append(&batch.bytes, recordCount: batch.recordCount, to: batch.partition)
            if offsets[batch.partition.topicPartition] == nil { offsets[batch.partition.topicPartition] = base }
        }
        for row in transaction.offsets { try SourceOffsets.store(row, in: writing) }
        for row in transaction.progress {
            if let value = row.value { try writing.put(.progress, row.key, value) } else { try writing.remove(.progress, row.key) }
        }
        first.value = offsets
    }

    private static let patience = 5000
}

func schemaKey(_ id: SchemaID) -> [UInt8] {
    var buffer = ByteBuffer(capacity: 8)
    buffer.append(bigEndian: id.value)
    return buffer.take()
}
