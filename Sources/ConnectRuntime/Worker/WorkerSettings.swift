/// How a worker is set up: Connect's worker keys, and a few of ours.
public struct WorkerSettings: Sendable {
    /// As it was given, references resolved: converters read their sub-keys here.
    public let map: ConfigMap
    public let shutdownTimeoutMilliseconds: Int
    public let offsetFlushIntervalMilliseconds: Int
    public let offsetFlushTimeoutMilliseconds: Int
    public let keyConverter: String
    public let valueConverter: String
    public let headerConverter: String
    public let topicCreation: Bool
    /// For topics that a source writes first and no `topic.creation.*` describes.
    public let topicPartitions: Int
    public let sinkBatchRows: Int
    public let sinkBatchBytes: Int
    public let inFlightBytes: Int
    public let inFlightTransactions: Int
    public let longestBackoffMilliseconds: Int
    /// The most bytes one transaction of the embedded log holds, and with it the largest record.
    public let transactionBytes: Int
    /// Whether it is kept track of which topics connectors use (KIP-558), and whether that may be reset.
    public let tracksTopics: Bool
    public let resetsTopics: Bool
    public let listeners: [String]

    public static let definition = ConfigDefinition()
        .group("Converters", Key.keyConverter, Key.valueConverter, Key.headerConverter)
        .group("Tasks", Key.shutdownTimeout, Key.flushInterval, Key.flushTimeout, Key.sinkRows, Key.sinkBytes, Key.inFlightBytes, Key.inFlight, Key.longestBackoff)
        .group("Topics", Key.topicCreation, Key.topicPartitions, Key.transactionBytes, Key.topicTracking, Key.topicTrackingReset)
        .group("REST", Key.listeners)

    enum Key {
        static let keyConverter = Setting<String>.string("key.converter", default: "org.apache.kafka.connect.json.JsonConverter", importance: .high, "How record keys become bytes, for connectors that do not say.")
        static let valueConverter = Setting<String>.string("value.converter", default: "org.apache.kafka.connect.json.JsonConverter", importance: .high, "How record values become bytes, for connectors that do not say.")
        static let headerConverter = Setting<String>.string("header.converter", default: "org.apache.kafka.connect.storage.SimpleHeaderConverter", "How header values become bytes, for connectors that do not say.")
        static let shutdownTimeout = Setting<Int>.int("task.shutdown.graceful.timeout.ms", default: 5000, type: .long, "How many milliseconds tasks that are stopped together get in all.")
        static let flushInterval = Setting<Int>.int("offset.flush.interval.ms", default: 5000, range: 1...Int.max, type: .long, "How often sinks commit their offsets, in milliseconds; also the default of transaction.boundary.interval.ms.")
        static let flushTimeout = Setting<Int>.int("offset.flush.timeout.ms", default: 5000, type: .long, "How many milliseconds a stopping source waits for its last transactions.")
        static let sinkRows = Setting<Int>.int("sink.batch.max.rows", default: 10_000, range: 1...1_000_000, aliases: ["consumer.max.poll.records"], "The most records a sink gets in one put.")
        static let sinkBytes = Setting<Int>.int("sink.batch.max.bytes", default: 2 << 20, range: 1...(256 << 20), aliases: ["consumer.fetch.max.bytes"], "About how many bytes of records a sink gets in one put. As many more may be read ahead meanwhile.")
        static let inFlightBytes = Setting<Int>.int("source.in.flight.max.bytes", default: 8 << 20, range: 1...(1 << 30), "The most bytes a source may have handed to the log that are not durable yet.")
        static let inFlight = Setting<Int>.int("source.in.flight.max.transactions", default: 8, range: 1...1000, "The most transactions of a source that may be on their way at once.")
        static let longestBackoff = Setting<Int>.int("task.retry.backoff.max.ms", default: 10_000, range: 1...3_600_000, type: .long, "The longest wait between two tries of a task that failed for a reason that may pass.")
        static let transactionBytes = Setting<Int>.int("log.transaction.max.bytes", default: 64 << 20, range: (1 << 20)...(512 << 20), "The most bytes of records one transaction of the embedded log may hold; about the largest record it takes. It is held in memory.")
        static let topicCreation = Setting<Bool>.boolean("topic.creation.enable", default: true, "Whether sources may create topics with settings of their own.")
        static let topicPartitions = Setting<Int>.int("topic.partitions.default", default: 1, range: 1...10_000, aliases: ["num.partitions"], "How many partitions a topic gets that is made at its first record.")
        static let topicTracking = Setting<Bool>.boolean("topic.tracking.enable", default: true, "Whether the worker keeps track of the topics that each connector uses: `GET /connectors/{name}/topics`.")
        static let topicTrackingReset = Setting<Bool>.boolean("topic.tracking.allow.reset", default: true, "Whether `PUT /connectors/{name}/topics/reset` is allowed.")
        static let listeners = Setting<[String]>.list("listeners", default: "http://127.0.0.1:8083", "Where the REST interface listens.")
    }

    /// - Throws: ``ConnectError`` of kind `.configuration` that lists every problem.
    public init(_ map: ConfigMap = ConfigMap()) throws {
        let config = try Self.definition.parsed(map)
        self.map = map
        shutdownTimeoutMilliseconds = try config.value(Key.shutdownTimeout)
        offsetFlushIntervalMilliseconds = try config.value(Key.flushInterval)
        offsetFlushTimeoutMilliseconds = try config.value(Key.flushTimeout)
        keyConverter = try config.value(Key.keyConverter)
        valueConverter = try config.value(Key.valueConverter)
        headerConverter = try config.value(Key.headerConverter)
        topicCreation = try config.value(Key.topicCreation)
        topicPartitions = try config.value(Key.topicPartitions)
        sinkBatchRows = try config.value(Key.sinkRows)
        sinkBatchBytes = try config.value(Key.sinkBytes)
        inFlightBytes = try config.value(Key.inFlightBytes)
        inFlightTransactions = try config.value(Key.inFlight)
        longestBackoffMilliseconds = try config.value(Key.longestBackoff)
        transactionBytes = try config.value(Key.transactionBytes)
        tracksTopics = try config.value(Key.topicTracking)
        resetsTopics = try config.value(Key.topicTrackingReset)
        listeners = try config.value(Key.listeners)
    }

    func converter(_ role: ConverterContext.Role) -> String {
        switch role {
        case .key: keyConverter
        case .value: valueConverter
        case .header: headerConverter
        }
    }

    /// Reads a worker file: a JSON object, or else Java properties.
    public static func parseFile(_ bytes: [UInt8], of file: String) throws -> ConfigMap {
        let bytes = FileBytes.withoutMark(bytes)
        let first = bytes.first { $0 > 0x20 }
        guard first == UInt8(ascii: "{") else { return try Properties.parse(String(decoding: bytes, as: UTF8.self), of: file) }
        do {
            return try ConfigMap(json: JSON.parse(bytes), of: file)
        } catch let error as JSONError {
            throw ConnectError(.configuration, code: "json.malformed", "\(file):\(error.position.line):\(error.position.column): \(error.message)")
        }
    }

    /// Keys that mean nothing here, each a warning with the nearest known one. Sub-keys of converters and keys of Kafka's clients are not ours to judge.
    public static func warnings(_ map: ConfigMap) -> [ConfigProblem] {
        definition.unknownNames(in: map).compactMap { unknown in
            if foreignPrefixes.contains(where: { unknown.name.text.utf8.starts(with: $0.utf8) }) || knownElsewhere.contains(unknown.name) { return nil }
            return ConfigProblem(
                "config.unknown_key", unknown.name, "the worker has no setting \"\(unknown.name)\"",
                suggestion: unknown.nearest.map { "did you mean \"\($0)\"?" }, isWarning: true)
        }
    }

    private static let foreignPrefixes = [
        "key.converter.", "value.converter.", "header.converter.", "producer.", "consumer.", "admin.", "config.providers", "ssl.", "sasl.",
        "listeners.https.", "admin.listeners.", "config.storage.", "offset.storage.", "status.storage.", "metrics.", "internal.",
        "rest.",
    ]
    /// Kafka Connect's keys that stand in everybody's worker file and need no word here.
    private static let knownElsewhere: Set<Name> = [
        "bootstrap.servers", "client.dns.lookup", "plugin.path", "plugin.discovery", "group.id", "client.id", "access.control.allow.origin",
        "access.control.allow.methods", "metric.reporters", "response.http.headers.config", "connector.client.config.override.policy",
        "exactly.once.source.support", "security.protocol",
    ]
}
