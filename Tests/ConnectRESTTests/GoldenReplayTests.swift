import ConnectREST
import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Foundation
import Testing

/// The requests that were sent to Kafka Connect, sent to our herder: the answers are alike wherever we mean to be.
@Suite(.serialized) struct GoldenReplayTests {
    @Test func recordedAnswersAreOurs() async throws {
        try await onThread {
            let log = try TestLog()
            let herder = StandaloneHerder(
                settings: try WorkerSettings(ConfigMap(["offset.flush.interval.ms": "20"])), log: log.log, configStore: log.log.configStore, catalogue: Self.catalogue,
                environment: Environment([:]), logger: .silent)
            try herder.start(workerID: "127.0.0.1:18083")
            defer { herder.stop() }
            let api = RestAPI(herder: herder, log: log.log, browserGuard: BrowserGuard(allowedHosts: []), version: "0.0.0")
            let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/rest.jsonl")
            var compared = 0
            for (index, line) in try String(contentsOf: file, encoding: .utf8).split(separator: "\n").enumerated() {
                let recorded = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                if let wait = recorded["wait"] as? String { Self.settle(wait, herder) }
                try Self.move(before: index + 1, log)
                // Lists that name connectors which Kafka could not delete, or which failed for want of a real file, cannot be alike.
                if line.contains("failtask") || (line.contains(#""GET", "path": "/connectors"#) && !line.contains(#"/connectors/"#) && line.contains("pct%41")) { continue }
                guard let exchange = Exchange(recorded, line: index + 1), exchange.isOurs else { continue }
                compared += 1
                exchange.compare(with: api)
            }
            #expect(compared > 100)
        }
    }

    /// Kafka's file connectors in name and settings; what they move does not matter here.
    private static let catalogue: PluginCatalogue = {
        let file = Setting<String?>.optionalString("file", "The file.")
        let topic = Setting<String>.string("topic", importance: .high, "The topic.")
        let batch = Setting<Int>.int("batch.size", default: 2000, "Lines at a time.")
        let source = SourceScript(topic: "t-file", values: []).plugin, sink = SinkScript().plugin
        return PluginCatalogue(
            [
                Plugin(
                    ["org.apache.kafka.connect.file.FileStreamSourceConnector"], version: "4.3.1",
                    definition: ConfigDefinition().group(nil, file, topic, batch), summary: "", factory: .source { FileShapedSource(source.factory) }),
                Plugin(
                    ["org.apache.kafka.connect.file.FileStreamSinkConnector"], version: "4.3.1", definition: ConfigDefinition().group(nil, file),
                    summary: "", factory: sink.factory),
            ] + BuiltInConverters.plugins + BuiltInTransforms.plugins)
    }()

    /// What Kafka's connectors had moved by the time they were asked where they stand.
    private static func move(before line: Int, _ log: TestLog) throws {
        switch line {
        case 132:
            let producer = try log.log.openProducer(ProducerID("test-offsets"))
            defer { producer.close() }
            try producer.begin()
            let partition = SourcePartition([("filename", .string("WORK/in1.txt"))])
            try producer.storeOffsets([SourceOffsetRow(connector: "src", partition: partition, offset: SourceOffset([("position", .integer(150))]))])
            _ = try producer.commit().wait(milliseconds: 10_000)
            try consumed(20, log)
        case 154: try consumed(29, log)
        default: break
        }
    }

    /// Lets the sink consume so many records in all.
    private static func consumed(_ end: Int64, _ log: TestLog) throws {
        let place = TopicPartition("t-file", 0)
        let there = try log.log.topic("t-file") == nil ? 0 : log.log.bounds(of: place).end
        try log.append("t-file", (there..<end).map { (key: nil, value: Array("\"\($0)\"".utf8)) })
        _ = eventually { (try? log.log.committedOffsets(group: "connect-snk"))?[place]?.offset == end }
    }

    /// `src is RUNNING, tasks ['RUNNING']`: waits until it is so.
    private static func settle(_ wait: String, _ herder: StandaloneHerder) {
        let words = wait.split(separator: " ")
        if wait == "created" {
            // Which one is not said: all of them have a state then.
            for _ in 0..<200 {
                let names = (try? herder.connectors()) ?? []
                if names.allSatisfy({ name in (try? herder.status(name)).map { $0.connector.status.state != .running || !$0.tasks.isEmpty } ?? false }) { return }
                usleep(5000)
            }
        }
        guard words.count >= 3, words[1] == "is" else { return }
        let name = Name(words[0]), state = words[2].trimmingCharacters(in: .punctuationCharacters)
        let tasks = wait.contains("tasks")
        for _ in 0..<200 {
            if let status = try? herder.status(name), status.connector.status.state.rawValue == state,
                !tasks || status.tasks.contains(where: { $0.status.state.rawValue == state }) { return }
            usleep(5000)
        }
    }

    struct Exchange {
        let line: Int
        let method: String, path: String, body: String
        let headers: [String: String]
        let status: Int
        let type: String?
        let location: String?
        let answer: Any?

        init?(_ recorded: [String: Any], line: Int) {
            guard let request = recorded["request"] as? [String: Any], let reply = recorded["answer"] as? [String: Any],
                let method = request["method"] as? String, let path = request["path"] as? String, let status = reply["status"] as? Int
            else { return nil }
            self.line = line
            self.method = method
            self.path = path
            self.status = status
            headers = request["headers"] as? [String: String] ?? [:]
            type = reply["type"] as? String
            location = reply["location"] as? String
            answer = reply["body"]
            if let raw = request["raw"] as? String {
                body = raw
            } else {
                body = request["body"].flatMap { try? JSONSerialization.data(withJSONObject: $0) }.map { String(decoding: $0, as: UTF8.self) } ?? ""
            }
        }

        /// Not: routes that are not there yet, and answers that name versions and documentation of Kafka's own.
        var isOurs: Bool {
            // Our connectors have moved nothing by the time line 83 asks for their topics.
            line != 83 && !path.contains("/admin") && !path.contains("connector-plugins")
                && path != "/"
        }

        /// Kafka's server refuses these names as ambiguous, or answers 500 or HTML; the mistake is the client's, or there is none.
        private var isMended: Bool { status == 500 || type?.hasPrefix("text/html") == true || path.contains("%2F") || path.contains("%25") }

        func compare(with api: RestAPI) {
            var fields = Headers(["Host": "127.0.0.1:18083"])
            if !body.isEmpty, headers["Content-Type"] == nil { fields.add("Content-Type", "application/json") }
            for (name, value) in headers { fields.add(name, value) }
            let response = api.respond(method: method, rawTarget: path, headers: fields, body: Array(body.utf8))
            let text = String(decoding: response.body, as: UTF8.self)
            let what = "line \(line): \(method) \(path) \(body)"
            if isMended {
                let works = path.contains("%2F") || path.contains("%25")
                #expect(works ? response.status < 300 : response.status == 400, "\(what): \(response.status) \(text)")
                return
            }
            #expect(response.status == status, "\(what): \(text)")
            #expect(response.headers["Content-Type"] == type, "\(what)")
            // Kafka leaves % and / in a name as they are; such an address leads nowhere.
            if let location, !location.contains("pct%"), !location.contains("with/") { #expect(response.headers["Location"] == location, "\(what)") }
            if method == "HEAD" { return }
            let ours = try? JSONSerialization.jsonObject(with: Data(response.body), options: .fragmentsAllowed)
            if let message = (answer as? [String: Any])?["message"] as? String, message.contains("available connectors are") {
                // The list is of Java's classes.
                #expect(text.contains(message.components(separatedBy: ", available")[0]), "\(what): \(text)")
                return
            }
            #expect(Self.plain(ours ?? text) == Self.plain(answer), "\(what)")
        }

        /// Without what may differ: the order of names, task configurations' own keys, what is running at the moment of an answer,
        /// the version of what does not run.
        private static func plain(_ value: Any?) -> NSObject {
            switch value {
            case let object as [String: Any]:
                var copy = object
                if let state = copy["state"] as? String, state == "STOPPED" || state == "PAUSED" { copy["version"] = nil }
                copy["task.class"] = nil
                if let state = (copy["connector"] as? [String: Any])?["state"] as? String, state != "RUNNING" { copy["tasks"] = nil }
                if copy["config"] != nil, copy["type"] != nil { copy["tasks"] = nil }
                return NSDictionary(dictionary: copy.mapValues { plain($0) })
            case let list as [Any]: return NSArray(array: list.map { plain($0) }.sorted { "\($0)" < "\($1)" })
            case let text as String: return text as NSString
            case let number as NSNumber: return number
            default: return NSNull()
            }
        }
    }
}

/// A source whose task gets the connector's whole configuration, as the file source's does.
private final class FileShapedSource: SourceConnector {
    private let inner: (any SourceConnector)?
    private var config = ConfigMap()

    init(_ factory: Plugin.Factory) {
        if case .source(let make) = factory { inner = make() } else { inner = nil }
    }

    func start(_ config: Config, context: any ConnectorContext) throws {
        self.config = config.map
        try inner?.start(config, context: context)
    }
    func taskConfigs(maximum: Int) throws -> [ConfigMap] { [config] }
    func stop() { inner?.stop() }
    func makeTask() -> any SourceTask { inner?.makeTask() ?? NoTask() }
    func exactlyOnceSupport(_ config: Config) -> ExactlyOnceSupport { .supported }

    func alterOffsets(_ config: Config, _ offsets: [(partition: SourcePartition, offset: SourceOffset?)]) throws -> Bool {
        for case (let partition, let offset?) in offsets {
            guard (try? JSON.parse(partition.json))?["filename"] != nil, let position = try offset.members()["position"]?.int64, position >= 0 else {
                throw ConnectError(.configuration, code: "offset.malformed", "Partition objects should contain the key 'filename'")
            }
        }
        return true
    }
}

private final class NoTask: SourceTask {
    func start(_ config: Config, context: any SourceTaskContext) throws {}
    func poll(into batch: inout RecordBatch) throws {}
    func stop() {}
}
