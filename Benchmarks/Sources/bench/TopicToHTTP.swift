import CFloors
import ConnectRuntime
import Connectors
import EmbeddedLog
import Glibc

/// A topic of JSON records to an HTTP endpoint on this machine, by the worker's own herder.
struct TopicToHTTP: Benchmark {
    let records: Int
    /// Records in one request.
    let batch: Int

    var name: String { batch == 1 ? "topic → HTTP, one POST per record" : "topic → HTTP, \(batch) records per POST" }
    let floorName: String? = "C: libcurl multi, one POST per record, 8 connections"
    var target: Double? { batch == 1 ? 0.8 : 5 }

    private static let topic = TopicPartition("orders", 0)
    private static let connections: Int32 = 8
    /// The floor's share of the records: its rate is what counts.
    private var floorRecords: Int { min(100_000, records) }

    func measure(in folder: String) throws -> Measurement {
        let port = floor_http_server()
        if port <= 0 { throw Wrong("no server") }
        let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder + "/data"))
        defer { log.close() }
        try fill(log)
        // Before and after, so that whatever else the machine does meanwhile slows both.
        let before = try floor(port)
        let ours = try deliver(log, port)
        let after = try floor(port)
        let share = Double(records) / Double(floorRecords) / 2
        func microseconds(_ nanoseconds: Double) -> String { Report.hundredths(nanoseconds / 1000 / Double(records)) }
        return Measurement(
            records: records, seconds: ours.seconds, floorSeconds: (before.seconds + after.seconds) * share,
            notes: [
                "\(ours.early / 1024) → \(ours.late / 1024) MiB",
                "\(microseconds(ours.nanoseconds)) µs of processor against \(microseconds(Double(before.nanoseconds + after.nanoseconds) * share))",
            ])
    }

    private func floor(_ port: Int32) throws -> (seconds: Double, nanoseconds: Int) {
        let start = ProcessorTime.ofThisThread()
        let seconds = floor_http_post(port, Self.connections, Int64(floorRecords), floor_http_body)
        if seconds < 0 { throw Wrong("the floor failed") }
        return (seconds, ProcessorTime.ofThisThread() - start)
    }

    private func fill(_ log: EmbeddedLog) throws {
        _ = try log.createTopic(TopicSpecification(Self.topic.topic))
        let producer = try log.openProducer(ProducerID("bench"))
        defer { producer.close() }
        var number = 0
        while number < records {
            var set = RecordSet()
            for _ in 0..<min(10_000, records - number) {
                set.append(timestamp: 1_700_000_000_000, key: ByteSlice(Array("\(number)".utf8)), value: ByteSlice(Self.body(number)))
                number += 1
            }
            try producer.begin()
            try producer.append(set, to: Self.topic)
            guard case .durable = try producer.commit().wait(milliseconds: 60_000) else { throw Wrong("the topic cannot be filled") }
        }
    }

    private static func body(_ number: Int) -> [UInt8] {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(FLOOR_BODY_LIMIT)) { buffer in
            guard let start = buffer.baseAddress else { return [] }
            let count = floor_http_body(Int64(number), start)
            return buffer[..<count].map { UInt8(bitPattern: $0) }
        }
    }

    /// From the herder's start to the last answer; the resident KiB of the process after a fifth of the way and at the most from there on; and
    /// the nanoseconds that the task's thread ran.
    private func deliver(_ log: EmbeddedLog, _ port: Int32) throws -> (seconds: Double, early: Int, late: Int, nanoseconds: Double) {
        let (requests, bytes) = taken()
        var sink = ConfigMap([
            "connector.class": "HttpSink", "topics": "orders", "http.url": "http://127.0.0.1:\(port)/", "value.converter.schemas.enable": "false", "key.converter.schemas.enable": "false",
        ])
        if batch > 1 {
            sink["batching.enabled"] = .some("true")
            sink["batch.max.size"] = .some("\(batch)")
        }
        let expected = (0..<records).reduce(0) { $0 + Self.body($1).count }
        let herder = StandaloneHerder(
            settings: try WorkerSettings(), log: log, configStore: log.configStore, catalogue: PluginCatalogue(ConnectorCatalogue.plugins + BuiltInConverters.plugins),
            environment: Environment.ofProcess(), logger: .silent)
        defer { herder.stop() }
        var early = 0, late = 0
        let seconds = try timed {
            try herder.start(workerID: "127.0.0.1:0", applying: [("out", sink, nil)])
            let clock = ContinuousClock(), deadline = clock.now + .seconds(300)
            // Batches carry keys and line ends beside the bodies: theirs are counted by their bytes.
            let goal = batch == 1 ? records : expected + records * Self.keyBytes
            while true {
                let came = batch == 1 ? taken().requests - requests : taken().bytes - bytes
                if came >= goal { break }
                if clock.now > deadline { throw Wrong("after five minutes \(taken().requests - requests) requests had come: \(try herder.status("out").tasks)") }
                if came >= goal / 5 {
                    let held = ResidentMemory.kibibytes()
                    if early == 0 { early = held }
                    late = max(late, held)
                }
                // Looked at rarely: with two processors a third busy thread would show.
                usleep(2000)
            }
        }
        let nanoseconds = ProcessorTime.ofThread("out-0")
        if batch == 1, taken().bytes - bytes != expected { throw Wrong("\(taken().bytes - bytes) bytes came, not \(expected)") }
        return (seconds, early, late, nanoseconds)
    }

    /// `"idempotency_key":"…",` and a line end.
    private static let keyBytes = 19 + 45 + 1

    private func taken() -> (requests: Int, bytes: Int) {
        var requests: Int64 = 0, bytes: Int64 = 0
        floor_http_taken(&requests, &bytes)
        return (Int(requests), Int(bytes))
    }
}
