/// Turns consumed bytes into records: headers, key and value through their converters.
final class SinkBatchReader {
    private let plugins: TaskPlugins
    private let retry: RetryOperator
    /// Headers of the record before, which its neighbour mostly shares.
    private var rawHeaders: [RawHeader] = []
    private var hasOwnHeaders = false
    private let helper: RecordReading.Helper?
    /// The converter of values, where those that are plain JSON stay bytes.
    private let plainJSON: JsonConverter?
    /// What the helper was offered, each with its first portion's index.
    private var offered: [(consumed: ConsumedRecords, first: Int)] = []
    /// The portion that was collected last: it may end in the next batch.
    private var collected: (index: Int, entries: ReadEntries?)?

    /// - Parameter leavesPlainJSON: whether the sink is a ``PlainJSONSink`` that wants it so, with no transform before it.
    init(plugins: TaskPlugins, retry: RetryOperator, helper: RecordReading.Helper?, leavesPlainJSON: Bool) {
        self.plugins = plugins
        self.retry = retry
        self.helper = helper
        plainJSON = leavesPlainJSON ? plugins.value as? JsonConverter : nil
    }

    /// Whether it is of use to say early what comes next.
    var readsAhead: Bool { helper != nil }

    /// Says what ``read(_:_:into:skipping:)`` will be asked for next, in this order, so that the helper can begin.
    /// - Parameter spent: entries that nobody needs any more, for the helper to free.
    func expect(_ consumed: [ConsumedRecords], spent: [RecordBatch.Entry]) {
        offered.removeAll(keepingCapacity: true)
        collected = nil
        guard let helper else { return }
        guard consumed.reduce(0, { $0 + $1.records.count }) >= RecordReading.fewest else { return helper.clear() }
        var portions: [RecordReading] = []
        for records in consumed {
            offered.append((records, portions.count))
            portions += RecordReading.portions(records, leavesPlainJSON: plainJSON != nil)
        }
        helper.offer(portions, spent: spent)
    }

    /// Appends records `range` of what was consumed to a batch.
    /// - Parameter isSkipped: tells by its offset whether a record is passed over; `nil` where none is.
    /// - Throws: ``IntolerableFailure`` for the first record that the error policy does not let pass; it is in the batch by then.
    func read(_ consumed: ConsumedRecords, _ range: Range<Int>, into batch: inout RecordBatch, skipping isSkipped: ((Int64) -> Bool)?) throws {
        var known: Int?
        guard let helper, let first = offered.first(where: { $0.consumed === consumed })?.first else {
            return try readHere(consumed, range, &known, into: &batch, isSkipped)
        }
        var lower = range.lowerBound
        while lower < range.upperBound {
            let portion = lower / RecordReading.portion, start = portion * RecordReading.portion
            let upper = min(range.upperBound, start + RecordReading.portion)
            if collected?.index != first + portion { collected = (first + portion, helper.collect(first + portion)) }
            if let entries = collected?.entries {
                let place = batch.count - lower
                entries.move(upTo: upper, into: &batch)
                if isSkipped != nil || entries.hasHeaders || !entries.unread.isEmpty {
                    for index in lower..<upper {
                        try finish(&batch.entries[place + index], consumed, index, &known, isRead: !entries.unread.contains(index), isSkipped)
                    }
                }
            } else {
                try readHere(consumed, lower..<upper, &known, into: &batch, isSkipped)
            }
            lower = upper
        }
    }

    private func readHere(_ consumed: ConsumedRecords, _ range: Range<Int>, _ known: inout Int?, into batch: inout RecordBatch, _ isSkipped: ((Int64) -> Bool)?) throws {
        for index in range {
            // In the batch from the start and filled in place: a copy of an entry costs as much as reading a small record.
            let place = batch.entries.count
            batch.entries.append(RecordReading.entry(consumed, index))
            try finish(&batch.entries[place], consumed, index, &known, isRead: false, isSkipped)
        }
    }

    /// Reads what of an entry is not read yet.
    /// - Parameter known: the index of the record whose headers are remembered.
    @inline(__always)
    private func finish(
        _ entry: inout RecordBatch.Entry, _ consumed: ConsumedRecords, _ index: Int, _ known: inout Int?, isRead: Bool, _ isSkipped: ((Int64) -> Bool)?
    ) throws {
        let records = consumed.records
        if let isSkipped, isSkipped(records.items[index].offset) {
            entry.outcome = .filtered
            return
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
        if try !convertHeaders(&entry) || isRead { return }
        try convert(&entry, key: records.key(at: index), value: records.value(at: index))
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
        if let plainJSON, let value, plainJSON.isPlainJSON(value, headers: rawHeaders) {
            entry.isPlainJSON = true
            return
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
