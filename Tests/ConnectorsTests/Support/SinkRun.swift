import ConnectRuntime
@preconcurrency import Connectors
import Testing

/// One partition of a topic kept in memory: what a sink task is fed from.
final class TestTopic {
    let partition: TopicPartition
    let id = TopicID.random()
    var records: [Record] = []
    init(_ name: Name, _ number: Int32 = 0) { partition = TopicPartition(name, number) }

    func batch(from offset: Int64, count: Int) -> RecordBatch {
        var set = RecordSet(storage: [])
        let range = Int(offset)..<min(records.count, Int(offset) + count)
        for index in range { set.addRange(offset: Int64(index), timestamp: 0, key: nil, value: nil) }
        let consumed = ConsumedRecords(topicPartition: partition, topicID: id, leaderEpoch: 0, records: set, nextOffset: Int64(range.upperBound))
        return RecordBatch(
            range.enumerated().map { RecordBatch.Entry(record: records[$1], origin: .log(LogOrigin(source: consumed, index: $0))) })
    }

    var assigned: AssignedPartition {
        AssignedPartition(
            topicPartition: partition, topicID: id,
            bounds: PartitionBounds(start: 0, end: Int64(records.count), epochs: [.init(epoch: 0, firstOffset: 0)], byteCount: 0), committed: nil)
    }
}

/// A sink task under test.
final class SinkRun {
    let context = TestSinkContext("copy")
    let reporter: TestReporter
    let task = SqliteSinkTask()
    private let map: ConfigMap

    init(_ path: String, _ more: KeyValuePairs<Name, String> = [:], reporter: TestReporter = TestReporter(), reports: Bool = true) {
        self.reporter = reporter
        var map = ConfigMap(["connection.url": "sqlite:\(path)"])
        for (name, value) in more { map[name] = .some(value) }
        self.map = map
        if reports { context.reporter = reporter }
    }

    func start() throws {
        let plugin = try #require(PluginCatalogue(ConnectorCatalogue.plugins).find("SqliteSink") { $0 == .sink })
        let (config, problems) = plugin.definition.parse(map)
        try #require(problems.isEmpty, "\(problems)")
        try task.start(config, context: context)
    }

    /// Starts, claims and writes all of a topic in batches.
    func write(_ topic: TestTopic, batch: Int = 1000) throws {
        try start()
        var position = try task.open([topic.assigned])[topic.partition] ?? 0
        while position < topic.records.count {
            let entries = topic.batch(from: position, count: batch)
            try task.put(entries)
            position += Int64(entries.count)
        }
        task.stop()
    }
}
