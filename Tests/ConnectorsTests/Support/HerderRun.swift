import ConnectRuntime
import ConnectTesting
import Connectors
import EmbeddedLog

/// A log in a folder of its own and a worker on it, in this process.
final class HerderRun {
    let folder: TemporaryFolder
    let log: EmbeddedLog
    let herder: StandaloneHerder

    /// - Parameter transactionBytes: the most that the log takes at once; `nil` leaves it at its default.
    init(transactionBytes: Int? = nil, settings: KeyValuePairs<Name, String> = [:]) throws {
        folder = try TemporaryFolder()
        var options = EmbeddedLogOptions(folder: folder.file("data"))
        if let transactionBytes { options.transactionByteLimit = transactionBytes }
        log = try EmbeddedLog.open(options)
        var map = ConfigMap(["offset.flush.interval.ms": "20"])
        for (name, value) in settings { map[name] = .some(value) }
        herder = StandaloneHerder(
            settings: try WorkerSettings(map), log: log, configStore: log.configStore,
            catalogue: PluginCatalogue(ConnectorCatalogue.plugins + BuiltInConverters.plugins), environment: Environment([:]), logger: .silent)
        try herder.start(workerID: "127.0.0.1:8083")
    }

    func stop() {
        herder.stop()
        log.close()
    }

    /// State of a connector's only task, with why it failed or what it waits for.
    func task(_ connector: Name) -> (state: Status.State?, words: String) {
        let part = (try? herder.status(connector))?.tasks.first
        return (part?.status.state, [part?.status.trace, part?.note].compactMap { $0 }.joined(separator: "; "))
    }

    /// Waits until a PostgreSQL source has delivered the rows that were there, of so many tables (each must hold some): changes before that may come with the rows and beside them.
    func hasRead(tables: Int, _ connector: Name) -> Bool {
        eventually(milliseconds: 120_000) {
            let offsets = ((try? self.herder.offsets(connector)) ?? []).compactMap(\.offset)
            return offsets.count == tables && offsets.allSatisfy { $0["bf"] == nil }
        }
    }

    /// Waits until a topic holds so many records.
    /// - Returns: why the connector's task failed, or how far it came.
    func failure(before count: Int64, in topic: Name) -> String? {
        let partition = TopicPartition(topic, 0)
        var trace: String?
        let isThere = eventually(milliseconds: 120_000) {
            trace = (try? self.herder.status("src"))?.tasks.first?.status.trace
            return trace != nil || (try? self.log.topic(topic)) ?? nil != nil && (try? self.log.bounds(of: partition))?.end == count
        }
        if let trace { return trace }
        return isThere ? nil : "the topic ends at \((try? log.bounds(of: partition))?.end ?? -1)"
    }

    /// The numbers of the rows in a topic, in their order.
    func ids(_ topic: Name, count: Int) throws -> [Int] {
        let consumer = try log.openConsumer(ConsumerOptions(group: nil))
        defer { consumer.close() }
        try consumer.subscribe(.topics([topic]))
        var ids: [Int] = []
        while ids.count < count {
            let events = try consumer.poll(maximumBytes: 1 << 20, milliseconds: 2000)
            if events.isEmpty { break }
            for case .records(let batch) in events {
                for index in 0..<batch.records.count {
                    let text = batch.records.value(at: index)?.utf8Text ?? ""
                    guard let mark = text.utf8.firstRange(of: Array("\"id\":".utf8)) else { continue }
                    ids.append(Int(String(decoding: text.utf8[mark.upperBound...].prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)) ?? -1)
                }
            }
        }
        return ids
    }
}
