import ConnectREST
import ConnectRuntime

/// Topics of a stopped worker, read from its folder.
final class LocalTopics: TopicAccess {
    private let log: any TopicLog
    private var reading: TopicReading?
    private var reader: TopicReader?

    init(_ log: any TopicLog) { self.log = log }

    func list() throws -> JSON { try TopicJSON.list(log) }

    func describe(_ topic: Name) throws -> JSON { try TopicJSON.describe(topic, log) }

    func begin(_ reading: TopicReading) throws {
        self.reading = reading
        reader = try TopicReader(reading.topic, start: reading.fromBeginning ? .earliest : .latest, group: reading.group, log: log)
    }

    func page(maximumRecords: Int, milliseconds: Int) throws -> TopicPage {
        guard let reading, let reader else { return TopicPage(records: [], next: [], error: nil) }
        return try TopicPage.read(
            reader, topic: reading.topic, format: reading.format, maximumRecords: maximumRecords, milliseconds: milliseconds, log: log)
    }

    func commit(_ positions: [TopicPage.Position]) throws {
        guard let reading, let group = reading.group else { return }
        var offsets: [TopicPartition: CommittedOffset?] = [:]
        for position in positions {
            offsets[TopicPartition(reading.topic, position.partition)] = .some(
                CommittedOffset(offset: position.offset, leaderEpoch: position.leaderEpoch))
        }
        try log.alterCommittedOffsets(group: group, offsets)
    }

    func close() { log.close() }
}
