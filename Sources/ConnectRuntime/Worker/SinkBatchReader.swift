/// Turns consumed bytes into records: headers, key and value through their converters.
final class SinkBatchReader {
    private let plugins: TaskPlugins
    private let retry: RetryOperator
    /// Headers of the record before, which its neighbour mostly shares.
    private var rawHeaders: [RawHeader] = []
    private var hasOwnHeaders = false
    /// Reads the second half of what is long enough.
    private let helper: ConversionHelper?

    init(plugins: TaskPlugins, retry: RetryOperator, helper: ConversionHelper?) {
        self.plugins = plugins
        self.retry = retry
        self.helper = helper
    }


    /// Appends records `range` of what was consumed to a batch.
    /// - Throws: ``IntolerableFailure`` for the first record that the error policy does not let pass; it is in the batch by then.
    func read(_ consumed: ConsumedRecords, _ range: Range<Int>, into batch: inout RecordBatch, skipping isSkipped: (Int64) -> Bool) throws {
        let middle = range.lowerBound + range.count / 2
        guard let helper, range.count >= 2 * ConversionHelper.fewest, helper.begin(consumed, middle..<range.upperBound) else {
            return try read(consumed, range, into: &batch, skipping: isSkipped) { nil }
        }
        do {
            try read(consumed, range.lowerBound..<middle, into: &batch, skipping: isSkipped) { nil }
        } catch {
            // Whoever is asked must be heard, or the next question would get this answer.
            _ = helper.end()
            throw error
        }
        var ready = helper.end().makeIterator()
        try read(consumed, middle..<range.upperBound, into: &batch, skipping: isSkipped) { ready.next() ?? nil }
    }

    /// - Parameter ready: gives the next record's key and value where they have been read already.
    @inline(__always)
    private func read(
        _ consumed: ConsumedRecords, _ range: Range<Int>, into batch: inout RecordBatch, skipping isSkipped: (Int64) -> Bool,
        ready: () -> ConversionHelper.Read?
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
            let read = ready()
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
