/// A share of a source's records, written by the task's thread or its ``HelperThread``: turning values into JSON costs a source about as
/// much as reading them does.
struct RecordWriting: Sendable {
    let entries: [RecordBatch.Entry]
    let range: Range<Int>
    /// The timestamp of records that have none, in milliseconds since 1970.
    let now: Int64

    typealias Helper = HelperThread<RecordWriting, WrittenRecords>

    /// Records to a portion.
    static let portion = 128
    /// A portion ends its writing beyond so many bytes: large records go one by one.
    static let mostBytes = 1 << 20
    /// Fewer records are written sooner than handed over.
    static let fewest = 512

    /// The helper of a source's task, where it has one. Both threads' converters name their schemas to the same transactions: one that is named
    /// early is stored early.
    static func helper(
        _ specification: TaskSpecification, _ plugins: TaskPlugins, _ schemas: TransactionSchemas?, _ parts: WorkerParts
    ) throws -> Helper? {
        try .converting("write", specification, plugins, parts, schemas) { $0.write($1, $2) }
    }

    /// Cuts a batch into portions, in their order.
    static func portions(_ entries: [RecordBatch.Entry], now: Int64) -> [RecordWriting] {
        stride(from: 0, to: entries.count, by: portion).map {
            RecordWriting(entries: entries, range: $0..<min(entries.count, $0 + portion), now: now)
        }
    }

    /// Writes the records into a set of their own.
    func write(_ key: any Converter, _ value: any Converter) -> WrittenRecords {
        var set = RecordSet(capacity: range.count * 256)
        var places: [Int32] = []
        places.reserveCapacity(range.count)
        var headers: [RawHeader] = []
        let topic = entries[range.lowerBound].record.topic
        var isOfOneTopic = true
        let isQuick = key is any RuntimeConverter && value is any RuntimeConverter
        var isEnough = false
        entries.withUnsafeBufferPointer { entries in
            for index in range {
                guard !isEnough, set.arena.count < Self.mostBytes else {
                    places.append(-1)
                    continue
                }
                entries.lend(index) { entry in
                    guard entry.outcome.isLive, entry.record.headers.isEmpty else { return places.append(-1) }
                    if isOfOneTopic, entry.record.partition != nil || entry.record.topic != topic { isOfOneTopic = false }
                    headers.removeAll(keepingCapacity: true)
                    do {
                        try set.append(entry.record, now: now, headers: &headers, key, value)
                        places.append(Int32(truncatingIfNeeded: set.count - 1))
                    } catch {
                        places.append(-1)
                        // A foreign converter may fail slowly, and a stop or the error policy is looked at for one record at a time.
                        if !isQuick { isEnough = true }
                    }
                }
            }
        }
        return WrittenRecords(records: set, places: places, topic: isOfOneTopic && set.count == range.count ? topic : nil)
    }
}

extension RecordSet {
    /// Appends a record as the converters write it.
    fileprivate mutating func append(_ record: Record, now: Int64, headers: inout [RawHeader], _ key: any Converter, _ value: any Converter) throws {
        try append(
            timestamp: record.timestamp ?? now, headers: &headers,
            key: { arena, headers in
                try key.serialize(topic: record.topic, headers: &headers, schema: record.keySchema, value: record.key, into: &arena)
            },
            value: { arena, headers in
                try value.serialize(topic: record.topic, headers: &headers, schema: record.valueSchema, value: record.value, into: &arena)
            })
    }
}

/// A portion's records as bytes.
struct WrittenRecords: Sendable {
    let records: RecordSet
    /// Per record of the portion its place among ``records``; −1 for one that stays to be converted where the error policy applies: it has headers
    /// of its own, is not live, or could not be written.
    let places: [Int32]
    /// The topic of all records, where all are written and none names a partition.
    let topic: Name?

    /// More bytes than all of them take in a transaction.
    var upperBound: Int { RecordSize(all: records).bytes }
}
