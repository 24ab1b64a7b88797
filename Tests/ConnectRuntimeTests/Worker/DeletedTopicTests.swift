import ConnectRuntime
import ConnectTesting
import Synchronization
import Testing

/// A topic that is deleted while a source writes to it.
@Suite(.serialized) struct DeletedTopicTests {
    @Test func betweenAppendAndCommitTheTaskBeginsAgain() async throws {
        try await onThread {
            let script = SourceScript(topic: "rows", values: (0..<30).map { .string("v\($0)") })
            let bench = try Bench([script.plugin], wrapping: { DeletingLog($0, topic: "rows", atCommit: 2) })
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("src", ["connector.class": "ScriptedSource", "value.converter": "StringConverter", "key.converter": "LongConverter"])
            #expect(eventually { script.committed == 29 })
            // What the deleted topic had is gone with it; what was not durable came again.
            #expect(try bench.records(of: "rows").map(\.value) == (10..<30).map { "v\($0)" })
            #expect(Bench.state(herder, "src", task: 0) == .running)
        }
    }
}

/// A log whose topic somebody deletes just before a commit.
private final class DeletingLog: TopicLog {
    private let inner: any TopicLog
    private let victim: Name
    private let commitsLeft: Mutex<Int>

    init(_ inner: any TopicLog, topic: Name, atCommit number: Int) {
        self.inner = inner
        victim = topic
        commitsLeft = Mutex(number)
    }

    func beforeCommit() {
        let isTheOne = commitsLeft.withLock { left in
            left -= 1
            return left == 0
        }
        if isTheOne { try? inner.deleteTopic(victim) }
    }

    var clusterID: String { inner.clusterID }
    func topics() throws(LogError) -> [TopicDescription] { try inner.topics() }
    func topic(_ name: Name) throws(LogError) -> TopicDescription? { try inner.topic(name) }
    func createTopic(_ specification: TopicSpecification) throws(LogError) -> TopicDescription { try inner.createTopic(specification) }
    func deleteTopic(_ name: Name) throws(LogError) { try inner.deleteTopic(name) }
    func bounds(of partition: TopicPartition) throws(LogError) -> PartitionBounds { try inner.bounds(of: partition) }
    func openProducer(_ id: ProducerID) throws(LogError) -> any LogProducer { DeletingProducer(try inner.openProducer(id), self) }
    func openConsumer(_ options: ConsumerOptions) throws(LogError) -> any LogConsumer { try inner.openConsumer(options) }
    func committedOffsets(group: Name) throws(LogError) -> [TopicPartition: CommittedOffset] { try inner.committedOffsets(group: group) }
    func alterCommittedOffsets(group: Name, _ offsets: [TopicPartition: CommittedOffset?]) throws(LogError) {
        try inner.alterCommittedOffsets(group: group, offsets)
    }
    var schemas: (any LogSchemas)? { inner.schemas }
    var offsets: any OffsetStore { inner.offsets }
    func progress(prefix: [UInt8]) throws(LogError) -> [ProgressRow] { try inner.progress(prefix: prefix) }
    var impediment: LogError? { inner.impediment }
    func close() { inner.close() }
}

private final class DeletingProducer: LogProducer {
    private let inner: any LogProducer
    private let log: DeletingLog
    init(_ inner: any LogProducer, _ log: DeletingLog) {
        self.inner = inner
        self.log = log
    }
    var epoch: Int64 { inner.epoch }
    var transactionByteLimit: Int { inner.transactionByteLimit }
    func begin() throws(LogError) { try inner.begin() }
    func append(_ records: RecordSet, to partition: TopicPartition) throws(LogError) { try inner.append(records, to: partition) }
    func storeOffsets(_ offsets: [SourceOffsetRow]) throws(LogError) { try inner.storeOffsets(offsets) }
    func storeProgress(_ rows: [ProgressRow]) throws(LogError) { try inner.storeProgress(rows) }
    func storeSchemas(_ schemas: [StoredSchema]) throws(LogError) { try inner.storeSchemas(schemas) }
    func commit() throws(LogError) -> CommitTicket {
        log.beforeCommit()
        return try inner.commit()
    }
    func abort() { inner.abort() }
    func close() { inner.close() }
}
