/// Turns consumed bytes into records: headers, key and value through their converters.
final class SinkBatchReader {
    private let plugins: TaskPlugins
    private let retry: RetryOperator
    /// Headers of the record before, which its neighbour mostly shares.
    private var rawHeaders: [RawHeader] = []
    private var hasOwnHeaders = false
    private let helper: RecordReading.Helper?
    /// What the helper was offered, each with its first portion's index.
    private var offered: [(consumed: ConsumedRecords, first: Int)] = []
    /// The portion that was collected last: it may end in the next batch.
    private var collected: (index: Int, reads: [RecordReading.Read?]?)?

    init(plugins: TaskPlugins, retry: RetryOperator, helper: RecordReading.Helper?) {
        self.plugins = plugins
        self.retry = retry
        self.helper = helper
    }

    /// Whether it is of use to say early what comes next.
    var readsAhead: Bool { helper != nil }

    /// Says what ``read(_:_:into:skipping:)`` will be asked for next, in this order, so that the helper can begin.
    func expect(_ consumed: [ConsumedRecords]) {
        offered.removeAll(keepingCapacity: true)
        collected = nil
        guard let helper, consumed.reduce(0, { $0 + $1.records.count }) >= RecordReading.fewest else { return }
        var portions: [RecordReading] = []
        for records in consumed {
            offered.append((records, portions.count))
            portions += RecordReading.portions(records)
        }
        helper.offer(portions)
    }

    /// Appends records `range` of what was consumed to a batch.
    /// - Throws: ``IntolerableFailure`` for the first record that the error policy does not let pass; it is in the batch by then.
    func read(_ consumed: ConsumedRecords, _ range: Range<Int>, into batch: inout RecordBatch, skipping isSkipped: (Int64) -> Bool) throws {
        guard let helper, let first = offered.first(where: { $0.consumed === consumed })?.first else {
            return try read(consumed, range, into: &batch, skipping: isSkipped) { _ in nil }
        }
        var lower = range.lowerBound
        while lower < range.upperBound {
            let portion = lower / RecordReading.portion, start = portion * RecordReading.portion
            let upper = min(range.upperBound, start + RecordReading.portion)
            if collected?.index != first + portion { collected = (first + portion, helper.collect(first + portion)) }
            if let reads = collected?.reads {
                try read(consumed, lower..<upper, into: &batch, skipping: isSkipped) { reads[$0 - start] }
            } else {
                try read(consumed, lower..<upper, into: &batch, skipping: isSkipped) { _ in nil }
            }
            lower = upper
        }
    }

    /// - Parameter ready: gives a record's key and value where they have been read already.
    @inline(__always)
    private func read(
        _ consumed: ConsumedRecords, _ range: Range<Int>, into batch: inout RecordBatch, skipping isSkipped: (Int64) -> Bool,
        ready: (Int) -> RecordReading.Read?
    ) throws {
        let topic = consumed.topicPartition.topic, partition = consumed.topicPartition.partition
        let records = consumed.records
        var known: Int?
        for index in range {
            let item = records.items[index]
            // In the batch from the start and filled in place: a copy of an entry costs as much as reading a small record.
            let place = batch.entries.count
            batch.entries.append(
                RecordBatch.Entry(
                    record: Record(topic: topic, partition: partition, timestamp: item.timestamp < 0 ? nil : item.timestamp),
                    origin: .log(LogOrigin(source: consumed, index: index))))
            let read = ready(index)
            if isSkipped(item.offset) {
                batch.entries[place].outcome = .filtered
                continue
            }
            if !records.hasHeaders(at: index) {
                rawHeaders.removeAll(keepingCapacity: true)
                hasOwnHeaders = false
                known = index
            } else if known.map({ !records.haveSameHeaders($0, index) }) ?? true {
                rawHeaders = records.headers(at: index)
                hasOwnHeaders = rawHeaders.contains { !SchemaHeaders.contains($0.name) }
                known = index
            }
            if try !convertHeaders(&batch.entries[place]) { continue }
            if let read {
                batch.entries[place].record.keySchema = read.key.schema
                batch.entries[place].record.key = read.key.value
                batch.entries[place].record.valueSchema = read.value.schema
                batch.entries[place].record.value = read.value.value
            } else {
                try convert(&batch.entries[place], key: records.key(at: index), value: records.value(at: index))
            }
        }
    }

    /// - Returns: false when they could not be read and the record is passed over.
    private func convertHeaders(_ entry: inout RecordBatch.Entry) throws -> Bool {
        guard hasOwnHeaders else { return true }
        let topic = entry.record.topic
        let headers: [Header]? = try retry.run(.headerConverter, plugins.headerClass, &entry) { _ in
            try rawHeaders.compactMap { raw in
                if SchemaHeaders.contains(raw.name) { return nil }
                let read = try plugins.header.deserialize(topic: topic, headers: [], bytes: raw.value)
                return Header(raw.name, schema: read.schema, value: read.value)
            }
        }
        guard let headers else { return false }
        entry.record.headers = headers
        return true
    }

    private func convert(_ entry: inout RecordBatch.Entry, key: ByteSlice?, value: ByteSlice?) throws {
        let topic = entry.record.topic
        do {
            let read = try plugins.key.deserialize(topic: topic, headers: rawHeaders, bytes: key)
            entry.record.keySchema = read.schema
            entry.record.key = read.value
        } catch {
            let read = try retry.run(.keyConverter, plugins.keyClass, &entry, firstError: error) { _ in
                try plugins.key.deserialize(topic: topic, headers: rawHeaders, bytes: key)
            }
            guard let read else { return }
            entry.record.keySchema = read.schema
            entry.record.key = read.value
        }
        do {
            let read = try plugins.value.deserialize(topic: topic, headers: rawHeaders, bytes: value)
            entry.record.valueSchema = read.schema
            entry.record.value = read.value
        } catch {
            let read = try retry.run(.valueConverter, plugins.valueClass, &entry, firstError: error) { _ in
                try plugins.value.deserialize(topic: topic, headers: rawHeaders, bytes: value)
            }
            guard let read else { return }
            entry.record.valueSchema = read.schema
            entry.record.value = read.value
        }
    }
}
