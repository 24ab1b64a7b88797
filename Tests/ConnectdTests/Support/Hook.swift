import ConnectTesting
import Foundation

/// HTTP sinks of one topic that a client fills through the webhook door: what tests of the sink inside a real worker begin with.
struct Hook {
    private let token: String
    let folder: TemporaryFolder
    private let port: UInt16
    private let configuration: String
    var data: String { folder.file("data") }

    /// - Parameter sinks: settings of each sink; class and topic are added.
    init(_ sinks: [String: [String: String]], token: String = "token-of-the-door") throws {
        self.token = token
        folder = try TemporaryFolder()
        port = try Worker.freePort()
        configuration = folder.file("connectors.json")
        let connectors = sinks.mapValues { $0.merging(["connector.class": "HttpSink", "topics": "in"]) { own, _ in own } }
        let worker = ["webhook.enabled": "true", "webhook.topics": "in", "webhook.token": token, "offset.flush.interval.ms": "150"]
        try JSONSerialization.data(withJSONObject: ["connectors": connectors, "worker": worker]).write(to: URL(filePath: configuration))
    }

    /// Starts a worker and waits until it is ready.
    func start(_ name: String = "worker", variables: [String: String] = [:]) throws -> Worker {
        let worker = try Worker([configuration], folder: folder.path, dataDirectory: data, port: port, name: name, variables: variables)
        try worker.waitUntilReady()
        return worker
    }

    /// Puts records into the topic, durably.
    /// - Parameter records: JSON objects with `key` and `value`, with commas between them.
    func post(_ records: String) throws {
        let answer = try answer(records)
        if answer.status != 200 { throw TestFailure("the door answered \(answer.status): \(answer.body)") }
    }

    /// What the door says to records.
    func answer(_ records: String, seconds: Int = 60) throws -> HTTPAnswer {
        try HTTPAnswer.of(
            "POST", "/topics/in", body: "{\"records\":[\(records)]}", port: port, seconds: seconds, contentType: "application/vnd.kafka.json.v2+json", headers: ["Authorization: Bearer \(token)"])
    }

    /// Puts records without a key, with the numbers from 0 as values.
    func post(numbers count: Int) throws { try post((0..<count).map { "{\"value\":\($0)}" }.joined(separator: ",")) }
}

extension Worker {
    /// What the first task of a connector says it is waiting for; `nil` while it says nothing.
    func note(_ connector: String) throws -> String? {
        let answer = try request("GET", "/_connectd/connectors/\(connector)")
        return (try answer.object()?["tasks"] as? [[String: Any]])?.first?["note"] as? String
    }
}
