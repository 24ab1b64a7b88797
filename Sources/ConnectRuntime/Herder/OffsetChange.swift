/// Reads and moves the offsets of one connector: the connector is asked first, then the log's own are changed.
///
/// Each step may be done again: a change that failed half-way is mended by asking for it once more.
struct OffsetChange {
    let connector: Name
    let entry: ConfigSnapshot.Entry
    let parts: WorkerParts
    let pool: CallPool

    func current() throws -> [ConnectorOffset] {
        switch try plugin().factory {
        case .source:
            return try parts.log.offsets.offsets(connector: connector).map { stored in
                ConnectorOffset(partition: (try? JSON.parse(stored.partition.json)) ?? .null, offset: try? JSON.parse(stored.offset.json))
            }
        case .sink:
            return try parts.log.committedOffsets(group: group()).sorted { $0.key < $1.key }.map { SinkOffsetEntry.entry($0.key, $0.value.offset) }
        case .transform, .predicate, .converter: return []
        }
    }

    /// - Parameter offsets: `nil` resets all.
    /// - Returns: whether the connector itself looked at them.
    func apply(_ offsets: [ConnectorOffset]?) throws(HerderError) -> Bool {
        do {
            switch try plugin().factory {
            case .source(let make): return try changeSource(make, offsets)
            case .sink(let make): return try changeSink(make, offsets)
            case .transform, .predicate, .converter: return false
            }
        } catch let error as HerderError {
            throw error
        } catch {
            let error = ConnectError(error)
            let words = error.message + (error.suggestion.map { " (\($0))" } ?? "")
            switch error.kind {
            case .configuration, .data: throw HerderError(.badRequest, words)
            case .retriable, .fenced, .fatal:
                throw HerderError(
                    error.code == "worker.call_timeout" ? .timeout : .internalError, "The offsets of connector \(connector) could not be changed: \(words)")
            }
        }
    }

    // MARK: sources

    private func changeSource(_ make: @escaping @Sendable () -> any SourceConnector, _ offsets: [ConnectorOffset]?) throws -> Bool {
        let stored = try parts.log.offsets.offsets(connector: connector)
        let changes: [(partition: SourcePartition, offset: SourceOffset?)]
        if let offsets {
            changes = offsets.map { wanted in
                (Self.partition(wanted.partition, among: stored.map(\.partition)), wanted.offset.map { SourceOffset(storedJSON: $0.serialized()) })
            }
        } else {
            changes = stored.map { ($0.partition, nil) }
        }
        let config = try config()
        let looked = try ask { try make().alterOffsets(config, changes) }
        try parts.log.offsets.alter(connector: connector, changes)
        return looked
    }

    /// Offsets are stored under the bytes that the connector wrote; people may write its members in another order.
    private static func partition(_ json: JSON, among stored: [SourcePartition]) -> SourcePartition {
        let bytes = json.serialized()
        if let members = json.members, !stored.contains(where: { $0.json == bytes }) {
            let sorted = members.sorted { $0.name < $1.name }
            let same = stored.first { other in (try? JSON.parse(other.json))?.members.map { $0.sorted { $0.name < $1.name } == sorted } ?? false }
            if let same { return same }
        }
        return SourcePartition(storedJSON: bytes)
    }

    // MARK: sinks

    private func changeSink(_ make: @escaping @Sendable () -> any SinkConnector, _ offsets: [ConnectorOffset]?) throws -> Bool {
        let group = try group()
        let changes: [TopicPartition: Int64?]
        if let offsets {
            changes = try SinkOffsetEntry.parse(offsets)
            try check(changes)
        } else {
            changes = Dictionary(uniqueKeysWithValues: try known(group).map { ($0, Int64?.none) })
        }
        let config = try config()
        let context = HostContext(connector, isSource: false, parts: parts, logger: parts.logger.with("connector", connector.text), reconfigure: {}, fail: { _ in })
        defer { context.close() }
        // Looked at before the target is touched, and again with the change itself.
        try alter(group, [:])
        let looked = try ask { try make().alterOffsets(config, changes, context: context) }
        try alter(group, changes.mapValues { $0.map { CommittedOffset(offset: $0) } })
        try forgetLetters(offsets == nil ? nil : Array(changes.keys))
        return looked
    }

    private func alter(_ group: Name, _ offsets: [TopicPartition: CommittedOffset?]) throws {
        do {
            try parts.log.alterCommittedOffsets(group: group, offsets)
        } catch {
            guard error.kind == .invalid else { throw error }
            throw HerderError(
                .internalError,
                "Failed to alter the offsets of consumer group \(group) of connector \(connector): the group still has members. Either its tasks have not stopped "
                    + "completely, or others use the group. Try again when they are gone; zombie sink tasks end with the worker")
        }
    }

    /// Partitions that the connector may have a position in, in its group or in its target: what is committed, and all of its topics.
    private func known(_ group: Name) throws -> Set<TopicPartition> {
        var places = Set(try parts.log.committedOffsets(group: group).keys)
        let base = try ConnectorSettings.definition(.sink).parsed(parts.references.resolve(entry.config))
        let names = Set(try base.value(ConnectorSettings.topics).map { Name($0) })
        let pattern = try base.value(ConnectorSettings.topicsRegex)
        let compiled = pattern.trimmedASCII.isEmpty ? nil : try TopicPattern(pattern)
        for topic in try parts.log.topics() where names.contains(topic.name) || compiled?.matches(topic.name) == true {
            for number in 0..<topic.partitions { places.insert(TopicPartition(topic.name, number)) }
        }
        return places
    }

    /// Before the target is moved anywhere: whether the log has such places.
    private func check(_ changes: [TopicPartition: Int64?]) throws {
        for (place, offset) in changes.sorted(by: { $0.key < $1.key }) {
            guard let topic = try parts.log.topic(place.topic) else { throw HerderError(.badRequest, "There is no topic \(place.topic)") }
            guard place.partition < topic.partitions else {
                throw HerderError(.badRequest, "Topic \(place.topic) has no partition \(place.partition): it has \(topic.partitions)")
            }
            guard let offset else { continue }
            let end = try parts.log.bounds(of: place).end
            if offset > end { throw HerderError(.badRequest, "Offset \(offset) of \(place) is beyond its end, which is \(end)") }
        }
    }

    /// What is read again is handled afresh: rows that say "this record's dead letter is written" go (D7).
    private func forgetLetters(_ places: [TopicPartition]?) throws {
        var prefixes: [[UInt8]] = []
        if let places {
            for place in places {
                guard let topic = try parts.log.topic(place.topic) else { continue }
                prefixes.append(DeadLetterKey.prefix(connector: connector, topicID: topic.id, partition: place.partition))
            }
        } else {
            prefixes = [DeadLetterKey.prefix(connector: connector)]
        }
        var rows: [ProgressRow] = []
        for prefix in prefixes { rows += try parts.log.progress(prefix: prefix).map { ProgressRow(key: $0.key, value: nil) } }
        if rows.isEmpty { return }
        // A session of its tasks: one that was given up and comes back writes no letters any more.
        let tasks = Int(entry.config.text("tasks.max") ?? "") ?? 1
        let others = (1..<max(2, min(tasks, Self.mostTasks))).map { Name("sink/\(connector)/\($0)") }
        let producer = try parts.log.openProducer(ProducerID(Name("sink/\(connector)/0"), alsoFences: others))
        defer { producer.close() }
        for start in stride(from: 0, to: rows.count, by: Self.rowsAtOnce) {
            try producer.begin()
            try producer.storeProgress(Array(rows[start..<min(rows.count, start + Self.rowsAtOnce)]))
            switch try producer.commit().wait(milliseconds: StandaloneHerder.requestMilliseconds) {
            case .durable: break
            case .failed(let error): throw error
            case nil: throw ConnectError(.retriable, code: "log.slow", "the log has not yet taken note of the reset", suggestion: "try again")
            }
        }
    }

    private static let rowsAtOnce = 10_000
    private static let mostTasks = 1000

    // MARK: pieces

    private func plugin() throws -> Plugin { try ConfigValidator(catalogue: parts.catalogue, references: parts.references).plugin(entry.config) }
    private func config() throws -> Config { try plugin().definition.parsed(parts.references.resolve(entry.config)) }
    private func group() throws -> Name { SinkRunner.group(connector, try parts.references.resolve(entry.config)) }

    private func ask(_ body: @escaping @Sendable () throws -> Bool) throws -> Bool {
        try pool.run("changing the offsets of \(connector)", milliseconds: ConnectorHost.callMilliseconds, body)
    }
}
