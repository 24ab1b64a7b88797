import ConnectRuntime
import ConnectTesting
import Testing

/// What of a sink's work stands when its task ends in an error.
@Suite(.serialized) struct SinkFailureTests {
    private static let place = TopicPartition("rows", 0)
    private static let config: KeyValuePairs<Name, String> = [
        "connector.class": "ScriptedSink", "topics": "rows", "value.converter": "StringConverter", "key.converter": "StringConverter",
    ]
    /// Nothing is committed along the way.
    private static let settings: KeyValuePairs<Name, String> = ["sink.batch.max.rows": "10", "offset.flush.interval.ms": "3600000"]

    private func fill(_ bench: Bench) throws {
        _ = try bench.log.createTopic(TopicSpecification("rows"))
        let producer = try bench.log.openProducer(ProducerID("test/fill"))
        defer { producer.close() }
        var set = RecordSet()
        for number in 0..<100 { set.append(timestamp: 1000, key: nil, value: ByteSlice(Array("v\(number)".utf8))) }
        try producer.begin()
        try producer.append(set, to: Self.place)
        guard case .durable = try producer.commit().wait(milliseconds: 10_000) else { throw ConnectError(.fatal, code: "test", "not durable") }
    }

    /// Kafka Connect commits as a task that failed is closed: a target that keeps no position of its own would get it all again.
    @Test func whatWasDeliveredBeforeTheFailureIsCommitted() async throws {
        try await onThread {
            let script = SinkScript()
            script.misbehaviour.plan("put.write", 6, .fail(ConnectError(.fatal, code: "test.broken", "it broke")))
            let bench = try Bench([script.plugin], settings: Self.settings)
            try fill(bench)
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("snk", Self.config)
            #expect(eventually { Bench.state(herder, "snk", task: 0) == .failed })
            #expect(script.rows.count == 50)
            #expect(try bench.log.committedOffsets(group: "connect-snk")[Self.place]?.offset == 50)
        }
    }

    /// A task that another has taken over from moves nothing any more.
    @Test func aFencedTaskCommitsNothing() async throws {
        try await onThread {
            let script = SinkScript()
            script.misbehaviour.plan("put.write", 6, .fail(ConnectError(.fenced, code: "sink.fenced", "another has it")))
            script.misbehaviour.plan("start", 2, .fail(ConnectError(.fatal, code: "test.broken", "it is not to run again")))
            let bench = try Bench([script.plugin], settings: Self.settings)
            try fill(bench)
            let herder = try bench.herder()
            defer { herder.stop() }
            try herder.create("snk", Self.config)
            #expect(eventually { script.misbehaviour.count("put.write") == 6 && Bench.state(herder, "snk", task: 0) != .running })
            herder.stop()
            #expect(script.rows.count == 50)
            #expect(try bench.log.committedOffsets(group: "connect-snk")[Self.place] == nil)
            #expect(script.misbehaviour.count("preCommit") == 0)
        }
    }
}
