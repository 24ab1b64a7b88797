import ConnectRuntime

/// Topics and their records, for people who look: what the command line's `topics` asks of a running worker.
extension RestAPI {
    /// Most records of one page, and the longest a request waits for the first.
    public static let largestPage = 1_000
    public static let longestWaitMilliseconds = 10_000

    func topics() throws -> Response { .json(try TopicJSON.list(log)) }

    func topic(_ name: Name) throws -> Response { .json(try TopicJSON.describe(name, log)) }

    /// `GET …/records?from=earliest|latest&positions=0:12,1:7&group=G&max=N&wait=MS&format=json|string|base64&schema=true`
    func records(_ name: Name, _ request: Request) throws -> Response {
        let query = request.target
        let start = try readingStart(query)
        let maximum = try number(query, "max", default: 500, in: 1...RestAPI.largestPage)
        let wait = try number(query, "wait", default: 0, in: 0...RestAPI.longestWaitMilliseconds)
        var valueFormat: RecordFormat.ValueFormat?
        if let word = query.value("format") {
            guard let known = RecordFormat.ValueFormat(rawValue: word) else {
                throw BadRequest(message: "format is \"\(word)\"; it must be json, string or base64")
            }
            valueFormat = known
        }
        let format = RecordFormat(valueFormat: valueFormat, withSchema: query.flag("schema"))
        let reader = try TopicReader(name, start: start, group: query.value("group").map { Name($0) }, log: log)
        return .json(
            try TopicPage.read(reader, topic: name, format: format, maximumRecords: maximum, milliseconds: wait, log: log) { [end] in end.isSet }.json)
    }

    private func readingStart(_ query: Target) throws -> ReadingStart {
        if let text = query.value("positions") {
            var positions: [Int32: Int64] = [:]
            for item in splitList(text) {
                let parts = item.split(separator: ":", omittingEmptySubsequences: false)
                guard parts.count == 2, let partition = Int32(parts[0]), let offset = Int64(parts[1]), partition >= 0, offset >= 0 else {
                    throw BadRequest(message: "positions holds \"\(item)\"; each item is PARTITION:OFFSET")
                }
                positions[partition] = offset
            }
            return .positions(positions)
        }
        switch query.value("from") {
        case nil, "earliest": return .earliest
        case "latest": return .latest
        case let word?: throw BadRequest(message: "from is \"\(word)\"; it must be earliest or latest")
        }
    }

    private func number(_ query: Target, _ name: String, default absent: Int, in range: ClosedRange<Int>) throws -> Int {
        guard let text = query.value(name) else { return absent }
        guard let value = Int(text), range.contains(value) else {
            throw BadRequest(message: "\(name) is \"\(text)\"; it must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func groupOffsets(_ group: Name) throws -> Response {
        let offsets = try log.committedOffsets(group: group).sorted { $0.key < $1.key }
        return .json(
            .object([
                JSON.Member(
                    "offsets",
                    .array(
                        offsets.map { partition, committed in
                            .object([
                                JSON.Member("topic", .string(partition.topic.text)),
                                JSON.Member("partition", .integer(Int64(partition.partition))),
                                JSON.Member("offset", .integer(committed.offset)),
                                JSON.Member("leader_epoch", .integer(Int64(committed.leaderEpoch))),
                            ])
                        }))
            ]))
    }

    /// Moves a group that has no members: `{"offsets": [{"topic", "partition", "offset", "leader_epoch"}]}`.
    func alterGroupOffsets(_ group: Name, _ request: Request) throws -> Response {
        guard let entries = try Body.parse(request.body)["offsets"]?.elements, !entries.isEmpty else {
            throw BadRequest(message: "The field \"offsets\" must be a list of {\"topic\", \"partition\", \"offset\"}")
        }
        var offsets: [TopicPartition: CommittedOffset?] = [:]
        for entry in entries {
            guard let topic = entry["topic"]?.text, let number = entry["partition"]?.int64, let partition = Int32(exactly: number),
                let offset = entry["offset"]?.int64, offset >= 0
            else { throw BadRequest(message: "Each entry of \"offsets\" needs a topic, a partition and an offset") }
            let description = try TopicJSON.find(Name(topic), log)
            guard partition >= 0, partition < description.partitions else {
                throw BadRequest(message: "Topic \"\(topic)\" has no partition \(partition)")
            }
            let epoch = entry["leader_epoch"]?.int64.flatMap { Int32(exactly: $0) } ?? -1
            offsets[TopicPartition(Name(topic), partition)] = .some(CommittedOffset(offset: offset, leaderEpoch: epoch))
        }
        do throws(LogError) {
            try log.alterCommittedOffsets(group: group, offsets)
        } catch {
            if error.kind == .invalid { throw HerderError(.conflict, error.message) }
            throw error
        }
        return .empty(204)
    }
}
