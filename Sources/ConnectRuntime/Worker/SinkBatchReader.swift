/// Turns consumed bytes into records: headers, key and value through their converters.
final class SinkBatchReader {
    private let plugins: TaskPlugins
    private let retry: RetryOperator
    /// Headers of the record before, which its neighbour mostly shares.
    private var rawHeaders: [RawHeader] = []
    private var hasOwnHeaders = false

    init(plugins: TaskPlugins, retry: RetryOperator) {
        self.plugins = plugins
        self.retry = retry
    }

    /// Appends records `range` of what was consumed to a batch.
    /// - Throws: ``IntolerableFailure`` for the first record that the error policy does not let pass; it is in the batch by then.
    func read(_ consumed: ConsumedRecords, _ range: Range<Int>, into batch: inout RecordBatch, skipping isSkipped: (Int64) -> Bool) throws {
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
            try convert(&batch.entries[place], key: records.key(at: index), value: records.value(at: index))
        }
    }

    private func convert(_ entry: inout RecordBatch.Entry, key: ByteSlice?, value: ByteSlice?) throws {
        let topic = entry.record.topic
        if hasOwnHeaders {
            let headers: [Header]? = try retry.run(.headerConverter, plugins.headerClass, &entry) { _ in
                try rawHeaders.compactMap { raw in
                    if SchemaHeaders.contains(raw.name) { return nil }
                    let read = try plugins.header.deserialize(topic: topic, headers: [], bytes: raw.value)
                    return Header(raw.name, schema: read.schema, value: read.value)
                }
            }
            guard let headers else { return }
            entry.record.headers = headers
        }
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
