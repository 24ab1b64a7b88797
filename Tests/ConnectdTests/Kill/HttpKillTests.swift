import ConnectTesting
import Curl
import Foundation
import Glibc
import Synchronization
import Testing

/// Records that come in at the webhook door and leave over HTTP, while the worker between is killed again and again and the endpoint
/// limps: every acknowledged record is delivered at least once, and once as counted by its idempotency key, in order per key (P1, P3, P6).
@Suite(.serialized) struct HttpKillTests {
    @Test(arguments: [false, true])
    func everyRecordArrivesUnderOneKey(_ inBatches: Bool) async throws {
        let seed = Environment.seed
        try await onThread {
            do { try HttpPipe(inBatches: inBatches, seed: seed).run() } catch {
                throw TestFailure("\(error)\n(CONNECTD_TEST_SEED=\(seed) repeats its random choices)")
            }
        }
    }
}

/// One run: a client, the worker, an endpoint.
private struct HttpPipe {
    let inBatches: Bool
    let seed: UInt64
    let folder: TemporaryFolder
    private let endpoint = Endpoint()
    private static let token = "token-of-the-door"

    init(inBatches: Bool, seed: UInt64) throws {
        self.inBatches = inBatches
        self.seed = seed
        folder = try TemporaryFolder()
    }

    private var data: String { folder.file("data") }

    func run() throws {
        var random = RandomNumbers(seed: seed)
        let endpoint = endpoint, server = try ScriptedServer(keepsRequests: false) { request, number in endpoint.answer(request, number) }
        defer { server.stop() }
        let port = try Worker.freePort(), file = try writeConfiguration(server.url)
        let client = Client(port: port, token: Self.token)
        defer { client.halt() }
        let kills = Environment.isFull ? 20 : 5
        for kill in 0..<kills {
            let worker = try Worker([file], folder: folder.path, dataDirectory: data, port: port, name: "worker-\(kill)")
            try worker.waitUntilReady()
            if kill == 0 { client.start() }
            // The instant is the test's subject: nothing waits for it. Every run gets something through first, or it proves little.
            let before = endpoint.count
            _ = eventually(within: 20) { endpoint.count > before ? true : nil }
            usleep(UInt32.random(in: 0...400_000, using: &random))
            if let ending = worker.process.wait(seconds: 0) { throw TestFailure("worker \(kill) ended by itself with \(ending): \(worker.process.errors)") }
            worker.process.killNow()
        }
        let acknowledged = try client.stop()
        let worker = try Worker([file], folder: folder.path, dataDirectory: data, port: port, name: "worker-last")
        try worker.waitUntilReady()
        let all = eventually(within: 60) { endpoint.values.isSuperset(of: acknowledged) ? true : nil }
        if all == nil {
            let status = try worker.request("GET", "/connectors/out/status").body
            throw TestFailure("\(Set(acknowledged).subtracting(endpoint.values).count) of \(acknowledged.count) records did not arrive: \(status)\n\(worker.process.errors.suffix(2000))")
        }
        // What is in the topic beside (a client that did not hear its answer sends again) has to arrive too; then the worker ends by itself.
        let total = try worker.request("GET", "/_connectd/topics/in").body
        _ = eventually(within: 30) { endpoint.count >= (Self.end(total) ?? .max) ? true : nil }
        try worker.stop()
        try compare(acknowledged)
        if acknowledged.count < kills * 10 { throw TestFailure("only \(acknowledged.count) records were sent meanwhile: the test proves little") }
    }

    /// The sum of the partitions' ends.
    private static func end(_ description: String) -> Int? {
        guard let object = try? JSONSerialization.jsonObject(with: Data(description.utf8)) as? [String: Any], let partitions = object["partitions"] as? [[String: Any]] else { return nil }
        return partitions.reduce(0) { $0 + ($1["end"] as? Int ?? 0) }
    }

    private func compare(_ acknowledged: [Int]) throws {
        let dump = try TopicDump(topic: "in", dataDirectory: data, folder: folder.path)
        let arrivals = endpoint.arrivals
        var faults: [String] = []
        // One idempotency key for each record of the topic, and one record for each key.
        var keys: [String: String] = [:], places: [String: String] = [:]
        for arrival in arrivals {
            if let known = keys[arrival.place], known != arrival.key { faults.append("\(arrival.place) came under two keys") }
            if let known = places[arrival.key], known != arrival.place { faults.append("\(known) and \(arrival.place) came under one key") }
            keys[arrival.place] = arrival.key
            places[arrival.key] = arrival.place
        }
        for line in dump.lines where keys["\(line.partition)@\(line.offset)"] == nil { faults.append("\(line.partition)@\(line.offset) did not arrive") }
        if keys.count != dump.lines.count { faults.append("\(keys.count) keys for \(dump.lines.count) records") }
        let inTopic = Set(dump.lines.compactMap { $0.value as? Int })
        if !inTopic.isSuperset(of: acknowledged) { faults.append("the topic lacks records that were acknowledged") }
        // Order of the first arrivals, per key and partition.
        var last: [String: Int64] = [:], seen: Set<String> = []
        for arrival in arrivals where seen.insert(arrival.place).inserted {
            let line = "\(arrival.partition)/\(arrival.recordKey)"
            if let before = last[line], before > arrival.offset { faults.append("\(arrival.place) came after offset \(before) of the same key") }
            last[line] = arrival.offset
        }
        if !faults.isEmpty { throw TestFailure("\(faults.count) faults in \(dump.lines.count) records, \(arrivals.count) arrivals:\n\(faults.prefix(10).joined(separator: "\n"))") }
    }

    private func writeConfiguration(_ url: String) throws -> String {
        var sink = [
            "connector.class": "HttpSink", "topics": "in", "http.url": url, "http.body": "record", "retry.backoff.ms": "5", "retry.backoff.max.ms": "50", "circuit.breaker.pause.ms": "20",
        ]
        if inBatches { sink.merge(["batching.enabled": "true", "batch.max.size": "7", "batch.format": "array"]) { $1 } }
        let worker = ["webhook.enabled": "true", "webhook.topics": "in", "webhook.token": Self.token, "topic.partitions.default": "3", "offset.flush.interval.ms": "150"]
        let path = folder.file("connectors.json")
        try JSONSerialization.data(withJSONObject: ["connectors": ["out": sink], "worker": worker]).write(to: URL(filePath: path))
        return path
    }
}

/// Takes records, and fails by plan: before it took them, and after.
private final class Endpoint: Sendable {
    struct Arrival {
        let key: String
        let partition: Int
        let offset: Int64
        let recordKey: String
        let value: Int
        var place: String { "\(partition)@\(offset)" }
    }
    private let state = Mutex<(arrivals: [Arrival], values: Set<Int>)>(([], []))

    var arrivals: [Arrival] { state.withLock { $0.arrivals } }
    var values: Set<Int> { state.withLock { $0.values } }
    var count: Int { state.withLock { $0.values.count } }

    func answer(_ request: ScriptedRequest, _ number: Int) -> ScriptedAnswer {
        if number % 13 == 5 { return .status(503) }
        if number % 29 == 7 { return .reset }
        guard let document = try? JSONSerialization.jsonObject(with: Data(request.body)) else { return .status(500) }
        let items = document as? [[String: Any]] ?? [document as? [String: Any] ?? [:]]
        var arrivals: [Arrival] = []
        for item in items {
            guard let key = item["idempotency_key"] as? String, let partition = item["partition"] as? Int, let offset = item["offset"] as? NSNumber, let value = item["value"] as? Int else { return .status(500) }
            if items.count == 1, let header = request.header("Idempotency-Key"), header != key { return .status(500) }
            arrivals.append(Arrival(key: key, partition: partition, offset: offset.int64Value, recordKey: item["key"] as? String ?? "", value: value))
        }
        state.withLock { state in
            state.arrivals += arrivals
            for arrival in arrivals { state.values.insert(arrival.value) }
        }
        // Taken, and the answer lost: it will come again.
        return number % 31 == 11 ? .reset : number % 17 == 3 ? .slow(200, pieces: ["o", "k"], milliseconds: 5) : .status(200)
    }
}

/// Posts numbers to the door, each until it is acknowledged. On a thread of its own.
private final class Client: Sendable {
    private let port: UInt16
    private let token: String
    private let isStopping = Atomic(false)
    private let state = Mutex<(acknowledged: [Int], isDone: Bool)>(([], false))

    init(port: UInt16, token: String) {
        self.port = port
        self.token = token
    }

    func start() { Thread.detachNewThread { self.run() } }

    private func run() {
        defer { state.withLock { $0.isDone = true } }
        guard let easy = try? CurlEasy(CurlOptions()) else { return }
        var next = 0
        while !isStopping.load(ordering: .relaxed) {
            let numbers = Array(next..<next + 3)
            let records = numbers.map { "{\"key\":\"k\($0 % 10)\",\"value\":\($0)}" }.joined(separator: ",")
            let request = CurlRequest(
                method: "POST", url: "http://127.0.0.1:\(port)/topics/in", headers: ["Content-Type: application/vnd.kafka.json.v2+json", "Authorization: Bearer \(token)"],
                body: Array("{\"records\":[\(records)]}".utf8))
            if let answer = try? easy.perform(request), answer.status == 200 {
                state.withLock { $0.acknowledged += numbers }
                next += 3
            }
            usleep(2_000)
        }
    }

    func halt() { isStopping.store(true, ordering: .relaxed) }

    /// - Returns: what was acknowledged.
    func stop() throws -> [Int] {
        halt()
        guard eventually(within: 60, look: { state.withLock { $0.isDone ? true : nil } }) != nil else { throw TestFailure("the client does not stop") }
        return state.withLock { $0.acknowledged }
    }
}
