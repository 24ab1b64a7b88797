import ConnectRuntime

/// A log without topics, for tests of routes that do not touch it.
final class EmptyTopicLog: TopicLog, OffsetStore {
    let clusterID = "empty"
    var schemas: (any LogSchemas)? { nil }
    var offsets: any OffsetStore { self }

    private var refusal: LogError { LogError(.unknownTopic, "this log has no topics") }
    func topics() throws(LogError) -> [TopicDescription] { [] }
    func topic(_ name: Name) throws(LogError) -> TopicDescription? { nil }
    func createTopic(_ specification: TopicSpecification) throws(LogError) -> TopicDescription { throw refusal }
    func deleteTopic(_ name: Name) throws(LogError) { throw refusal }
    func bounds(of partition: TopicPartition) throws(LogError) -> PartitionBounds { throw refusal }
    func openProducer(_ id: ProducerID) throws(LogError) -> any LogProducer { throw refusal }
    func openConsumer(_ options: ConsumerOptions) throws(LogError) -> any LogConsumer { throw refusal }
    func committedOffsets(group: Name) throws(LogError) -> [TopicPartition: CommittedOffset] { [:] }
    func alterCommittedOffsets(group: Name, _ offsets: [TopicPartition: CommittedOffset?]) throws(LogError) { throw refusal }
    func progress(prefix: [UInt8]) throws(LogError) -> [ProgressRow] { [] }
    func close() {}
    func offset(connector: Name, partition: SourcePartition) throws(LogError) -> SourceOffset? { nil }
    func offsets(connector: Name) throws(LogError) -> [(partition: SourcePartition, offset: SourceOffset)] { [] }
    func alter(connector: Name, _ offsets: [(partition: SourcePartition, offset: SourceOffset?)]) throws(LogError) { throw refusal }
}
