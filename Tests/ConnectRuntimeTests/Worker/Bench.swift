import ConnectRuntime
import ConnectTesting
import EmbeddedLog

/// A worker on a real log in a temporary folder, for one test.
final class Bench: Sendable {
    let folder: TemporaryFolder
    let log: any TopicLog
    let configs: any ConfigStore
    let lines = RecordingLogHandler()
    let plugins: [Plugin]
    let settings: WorkerSettings

    init(
        _ plugins: [Plugin], settings: KeyValuePairs<Name, String> = [:], maintenanceMilliseconds: Int? = nil, wrapping: (any TopicLog) -> any TopicLog = { $0 }
    ) throws {
        folder = try TemporaryFolder()
        self.plugins = plugins
        var map = ConfigMap(settings)
        if map["offset.flush.interval.ms"] == nil { map["offset.flush.interval.ms"] = .some("50") }
        if map["task.retry.backoff.max.ms"] == nil { map["task.retry.backoff.max.ms"] = .some("20") }
        self.settings = try WorkerSettings(map)
        var options = EmbeddedLogOptions(folder: folder.path + "/data")
        options.transactionByteLimit = self.settings.transactionBytes
        if let maintenanceMilliseconds { options.maintenanceIntervalMilliseconds = maintenanceMilliseconds }
        let opened = try EmbeddedLog.open(options)
        log = wrapping(opened)
        configs = opened.configStore
    }

    /// A herder on this log; several may follow each other, as after a restart.
    func herder(environment: Environment = Environment([:])) throws -> StandaloneHerder {
        let herder = StandaloneHerder(
            settings: settings, log: log, configStore: configs, catalogue: PluginCatalogue(plugins + BuiltInConverters.plugins),
            environment: environment, logger: Logger(label: "test", handler: lines))
        try herder.start(workerID: "127.0.0.1:8083")
        return herder
    }

    func end(of topic: Name, _ partition: Int32 = 0) -> Int64 { (try? log.bounds(of: TopicPartition(topic, partition)))?.end ?? 0 }

    /// Everything in a topic's partition, from its start: key and value bytes as text, and headers.
    func records(of topic: Name, _ partition: Int32 = 0) throws -> [(key: String?, value: String?, headers: [RawHeader])] {
        let consumer = try log.openConsumer(ConsumerOptions(group: nil))
        defer { consumer.close() }
        try consumer.subscribe(.topics([topic]))
        let end = end(of: topic, partition)
        var found: [(key: String?, value: String?, headers: [RawHeader])] = []
        var next: Int64 = 0, idle = 0
        while next < end, idle < 100 {
            let events = try consumer.poll(maximumBytes: 1 << 20, milliseconds: 100)
            if events.isEmpty { idle += 1 }
            for case .records(let consumed) in events where consumed.topicPartition.partition == partition {
                for index in consumed.records.items.indices {
                    found.append(
                        (consumed.records.key(at: index)?.utf8Text, consumed.records.value(at: index)?.utf8Text, consumed.records.headers(at: index)))
                }
                next = consumed.nextOffset
            }
        }
        return found
    }

    static func state(_ herder: StandaloneHerder, _ connector: Name, task: Int? = nil) -> Status.State? {
        guard let status = try? herder.status(connector) else { return nil }
        guard let task else { return status.connector.status.state }
        return status.tasks.first { $0.task == task }?.status.state
    }
}

extension StandaloneHerder {
    @discardableResult
    func create(_ name: Name, _ config: KeyValuePairs<Name, String>, state: TargetState? = nil) throws -> ConnectorInfo {
        try put(name, ConfigMap(config), initialState: state, replacing: true).info
    }
}
