import ConnectTesting
import Curl
import Foundation
import Glibc
import Synchronization
import Testing

/// Records that come in at the webhook door and leave over HTTP, while the worker between is killed again and again and the endpoint
/// fails in every way it knows: every acknowledged record is delivered at least once, and once as counted by its idempotency key, in order
/// per key; the refused ones are dead letters, each once, with the answer (P1, P3, P4, P6).
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
    private let endpoint = HttpEndpoint()
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
        let tokens = try ScriptedServer(keepsRequests: false) { _, _ in endpoint.tokenAnswer() }
        defer { tokens.stop() }
        let elsewhere = try ScriptedServer { _, _ in .status(200) }
        defer { elsewhere.stop() }
        endpoint.redirect(to: elsewhere.url)
        let port = try Worker.freePort(), file = try writeConfiguration(server.url, tokens.url)
        let client = Client(port: port, token: Self.token)
        defer { client.halt() }
        let kills = 20
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
        let worker = try Worker([file], folder: folder.path, dataDirectory: data, port: port, name: "worker-last")
        try worker.waitUntilReady()
        // A slow machine may not have come to every kind of failure yet.
        _ = eventually(within: 60) { endpoint.missingKinds(inBatches: inBatches).isEmpty ? true : nil }
        let acknowledged = try client.stop()
        let due = Set(acknowledged.filter { !HttpEndpoint.isRefused($0) })
        let all = eventually(within: 240) { endpoint.values.isSuperset(of: due) ? true : nil }
        if all == nil {
            let status = try worker.request("GET", "/connectors/out/status").body
            throw TestFailure("\(due.subtracting(endpoint.values).count) of \(due.count) records did not arrive: \(status)\n\(worker.process.errors.suffix(2000))")
        }
        // What is in the topic beside (a client that did not hear its answer sends again) has to arrive too; then the worker ends by itself.
        let total = Self.end(try worker.request("GET", "/_connectd/topics/in").body)
        _ = eventually(within: 60) { endpoint.places + (Self.end((try? worker.request("GET", "/_connectd/topics/refused").body) ?? "") ?? 0) >= total ?? .max ? true : nil }
        try worker.stop()
        try compare(acknowledged)
        if !elsewhere.requests.isEmpty { throw TestFailure("\(elsewhere.requests.count) requests followed a redirect") }
        let missing = endpoint.missingKinds(inBatches: inBatches)
        if !missing.isEmpty { throw TestFailure("the endpoint did not come to answer by \(missing.sorted()): the test proves little") }
        if acknowledged.count < kills * 10 { throw TestFailure("only \(acknowledged.count) records were sent meanwhile: the test proves little") }
    }

    /// The sum of the partitions' ends.
    private static func end(_ description: String) -> Int? {
        guard let object = try? JSONSerialization.jsonObject(with: Data(description.utf8)) as? [String: Any], let partitions = object["partitions"] as? [[String: Any]] else { return nil }
        return partitions.reduce(0) { $0 + ($1["end"] as? Int ?? 0) }
    }

    private func compare(_ acknowledged: [Int]) throws {
        let topic = try TopicDump(topic: "in", dataDirectory: data, folder: folder.path), letters = try TopicDump(topic: "refused", dataDirectory: data, folder: folder.path)
        let arrivals = endpoint.arrivals
        var faults = endpoint.faults
        // One idempotency key for each record of the topic, and one record for each key, on every try.
        var places: [String: String] = [:]
        for (place, keys) in endpoint.keys {
            if keys.count > 1 { faults.append("\(place) came under \(keys.count) keys") }
            for key in keys { if let known = places.updateValue(place, forKey: key) { faults.append("\(known) and \(place) came under one key") } }
        }
        let arrived = Set(arrivals.map(\.place))
        var refused: Set<String> = []
        for line in topic.lines {
            let place = "\(line.partition)@\(line.offset)", isRefused = (line.value as? Int).map(HttpEndpoint.isRefused) ?? false
            if isRefused { refused.insert(place) }
            if arrived.contains(place) == isRefused { faults.append(isRefused ? "\(place) counts as delivered, though it was refused" : "\(place) did not arrive") }
        }
        let inTopic = Set(topic.lines.compactMap { $0.value as? Int })
        if !inTopic.isSuperset(of: acknowledged) { faults.append("the topic lacks records that were acknowledged") }
        faults += order(arrivals) + check(letters, refused)
        if !faults.isEmpty { throw TestFailure("\(faults.count) faults in \(topic.lines.count) records, \(arrivals.count) arrivals, \(letters.lines.count) dead letters:\n\(faults.prefix(10).joined(separator: "\n"))") }
    }

    /// Order of the first arrivals, per key and partition.
    private func order(_ arrivals: [HttpEndpoint.Arrival]) -> [String] {
        var last: [String: Int64] = [:], seen: Set<String> = [], faults: [String] = []
        for arrival in arrivals where seen.insert(arrival.place).inserted {
            let line = "\(arrival.partition)/\(arrival.recordKey)"
            if let before = last[line], before > arrival.offset { faults.append("\(arrival.place) came after offset \(before) of the same key") }
            last[line] = arrival.offset
        }
        return faults
    }

    /// One dead letter for each refused record, with the status and the first 4 KiB of the answer, and no secret.
    private func check(_ letters: TopicDump, _ refused: Set<String>) -> [String] {
        var faults: [String] = [], found: Set<String> = []
        for line in letters.lines {
            func header(_ name: String) -> String { line.headers.first { $0.key == "__connect.errors.\(name)" }?.value.map { "\($0)" } ?? "" }
            let place = "\(header("partition"))@\(header("offset"))", message = header("exception.message")
            if !found.insert(place).inserted { faults.append("\(place) has two dead letters") }
            if !message.contains("answered 400: bad xxx"), !message.contains("answered 422"), !message.contains("answered 302") { faults.append("the dead letter of \(place) says \(message.prefix(200))") }
            if message.contains("answered 400"), !(4096...4300).contains(message.utf8.count) { faults.append("the dead letter of \(place) has \(message.utf8.count) bytes of words") }
            for (name, value) in line.headers where "\(value ?? "")".contains("token-") || "\(value ?? "")".contains(Self.clientSecret) { faults.append("header \(name) of the dead letter of \(place) shows a secret") }
        }
        if found != refused { faults.append("dead letters lack \(refused.subtracting(found).sorted()), and have \(found.subtracting(refused).sorted()) beside") }
        return faults
    }

    private static let clientSecret = "s3cr3t-of-the-client"

    private func writeConfiguration(_ url: String, _ tokens: String) throws -> String {
        var sink = [
            "connector.class": "HttpSink", "topics": "in", "http.url": url, "http.body": "record", "retry.backoff.ms": "5", "retry.backoff.max.ms": "50", "circuit.breaker.pause.ms": "20",
            "http.request.timeout.ms": "400", "http.authorization.type": "oauth2", "oauth2.access.token.url": tokens, "oauth2.client.id": "me", "oauth2.client.secret": Self.clientSecret,
            "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "refused", "errors.deadletterqueue.context.headers.enable": "true", "errors.deadletterqueue.topic.replication.factor": "1",
        ]
        if inBatches { sink.merge(["batching.enabled": "true", "batch.max.size": "7", "batch.format": "array"]) { $1 } }
        let worker = ["webhook.enabled": "true", "webhook.topics": "in", "webhook.token": Self.token, "topic.partitions.default": "3", "offset.flush.interval.ms": "150"]
        let path = folder.file("connectors.json")
        try JSONSerialization.data(withJSONObject: ["connectors": ["out": sink], "worker": worker]).write(to: URL(filePath: path))
        return path
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
            usleep(10_000)
        }
    }

    func halt() { isStopping.store(true, ordering: .relaxed) }

    /// - Returns: what was acknowledged.
    func stop() throws -> [Int] {
        halt()
        guard eventually(within: 90, look: { state.withLock { $0.isDone ? true : nil } }) != nil else { throw TestFailure("the client does not stop") }
        return state.withLock { $0.acknowledged }
    }
}
