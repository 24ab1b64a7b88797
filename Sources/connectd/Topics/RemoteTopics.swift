import ConnectREST
import ConnectRuntime
import Curl

/// Topics of a running worker, asked over its REST door.
final class RemoteTopics: TopicAccess {
    private let client: RestClient
    private var reading: TopicReading?
    private var positions: [TopicPage.Position] = []

    init(_ client: RestClient) { self.client = client }

    func list() throws -> JSON { try client.get("/_connectd/topics") }

    func describe(_ topic: Name) throws -> JSON { try client.get("/_connectd/topics/\(PercentEncoding.segment(topic.text))") }

    func begin(_ reading: TopicReading) throws { self.reading = reading }

    func page(maximumRecords: Int, milliseconds: Int) throws -> TopicPage {
        guard let reading else { return TopicPage(records: [], next: [], error: nil) }
        var query = ["max=\(min(maximumRecords, RestAPI.largestPage))", "wait=\(min(milliseconds, RestAPI.longestWaitMilliseconds))"]
        if positions.isEmpty {
            query.append("from=" + (reading.fromBeginning ? "earliest" : "latest"))
            if let group = reading.group { query.append("group=" + PercentEncoding.queryValue(group.text)) }
        } else {
            query.append("positions=" + positions.map { "\($0.partition):\($0.offset)" }.joined(separator: ","))
        }
        if let format = reading.format.valueFormat { query.append("format=\(format.rawValue)") }
        if reading.format.withSchema { query.append("schema=true") }
        let page = try TopicPage(
            json: client.get("/_connectd/topics/\(PercentEncoding.segment(reading.topic.text))/records?" + query.joined(separator: "&")))
        positions = page.next
        return page
    }

    func commit(_ positions: [TopicPage.Position]) throws {
        guard let reading, let group = reading.group else { return }
        let entries = positions.map { position in
            JSON.object([
                JSON.Member("topic", .string(reading.topic.text)), JSON.Member("partition", .integer(Int64(position.partition))),
                JSON.Member("offset", .integer(position.offset)), JSON.Member("leader_epoch", .integer(Int64(position.leaderEpoch))),
            ])
        }
        try client.put(
            "/_connectd/groups/\(PercentEncoding.segment(group.text))/offsets", .object([JSON.Member("offsets", .array(entries))]))
    }

    func close() {}
}
