/// A share of a sink's consumed records for its ``HelperThread``: turning JSON into values costs a sink about as much as writing them does.
struct RecordReading: Sendable {
    let consumed: ConsumedRecords
    let range: Range<Int>
    /// Whether values that are plain JSON stay bytes.
    let leavesPlainJSON: Bool

    typealias Helper = HelperThread<RecordReading, ReadEntries>

    /// Records to a portion: enough that handing it over costs nothing beside it, few enough that neither thread waits long for the other.
    static let portion = 256
    /// Fewer records are read sooner than handed over.
    static let fewest = 512

    /// The helper of a sink's task, where it has one.
    static func helper(_ specification: TaskSpecification, _ plugins: TaskPlugins, _ parts: WorkerParts) throws -> Helper? {
        try .converting("read", specification, plugins, parts, TransactionSchemas(parts.log.schemas)) { $0.read($1, $2) }
    }

    /// Cuts consumed records into portions, in their order.
    static func portions(_ consumed: ConsumedRecords, leavesPlainJSON: Bool) -> [RecordReading] {
        let count = consumed.records.count
        return stride(from: 0, to: count, by: portion).map { RecordReading(consumed: consumed, range: $0..<min(count, $0 + portion), leavesPlainJSON: leavesPlainJSON) }
    }

    /// A record's entry before its headers, key and value are read.
    static func entry(_ consumed: ConsumedRecords, _ index: Int) -> RecordBatch.Entry {
        let place = consumed.topicPartition, timestamp = consumed.records.items[index].timestamp
        return RecordBatch.Entry(
            record: Record(topic: place.topic, partition: place.partition, timestamp: timestamp < 0 ? nil : timestamp),
            origin: .log(LogOrigin(source: consumed, index: index)))
    }

    /// What the helper makes of it.
    func read(_ key: any Converter, _ value: any Converter) -> ReadEntries {
        let records = consumed.records, topic = consumed.topicPartition.topic
        let entries = ReadEntries(range), json = leavesPlainJSON ? value as? JsonConverter : nil
        var headers: [RawHeader] = []
        var known: Int?
        for index in range {
            if known.map({ !records.haveSameHeaders($0, index) }) ?? true {
                headers = records.hasHeaders(at: index) ? records.headers(at: index) : []
                if headers.contains(where: { !SchemaHeaders.contains($0.name) }) { entries.hasHeaders = true }
                known = index
            }
            var entry = Self.entry(consumed, index)
            do {
                let readKey = try key.deserialize(topic: topic, headers: headers, bytes: records.key(at: index))
                entry.record.keySchema = readKey.schema
                entry.record.key = readKey.value
                let bytes = records.value(at: index)
                if let json, let bytes, json.isPlainJSON(bytes, headers: headers) {
                    entry.isPlainJSON = true
                } else {
                    let readValue = try value.deserialize(topic: topic, headers: headers, bytes: bytes)
                    entry.record.valueSchema = readValue.schema
                    entry.record.value = readValue.value
                }
            } catch {
                entries.unread.insert(index)
            }
            entries.append(entry)
        }
        return entries
    }
}

/// Entries of consecutive records, on their way from one thread to the other: moved into a batch, since each copy would count up and down
/// what an entry refers to, which costs as much as reading it.
///
/// `@unchecked Sendable`: the helper makes it and hands it over; from then on only the task's thread knows it.
final class ReadEntries: @unchecked Sendable {
    private let range: Range<Int>
    private let memory: UnsafeMutablePointer<RecordBatch.Entry>
    private var moved = 0
    private var count = 0
    /// Indexes of records whose key or value could not be read.
    var unread: Set<Int> = []
    /// Whether a record has headers of its own, which are the task's thread to read.
    var hasHeaders = false

    init(_ range: Range<Int>) {
        self.range = range
        memory = .allocate(capacity: range.count)
    }

    deinit {
        (memory + moved).deinitialize(count: count - moved)
        memory.deallocate()
    }

    func append(_ entry: consuming RecordBatch.Entry) {
        precondition(count < range.count)
        (memory + count).initialize(to: entry)
        count += 1
    }

    /// Moves the entries of the next records, up to index `end`, to the end of a batch.
    func move(upTo end: Int, into batch: inout RecordBatch) {
        let more = min(end - range.lowerBound, count) - moved
        guard more > 0 else { return }
        batch.entries.append(addingCapacity: more) { span in
            for place in moved..<moved + more { span.append((memory + place).move()) }
        }
        moved += more
    }
}
