import ConnectRuntime
import ConnectTesting
import Synchronization
import Testing

/// What a sink writes to topics itself, where a transaction of the log holds a megabyte.
@Suite(.serialized) struct SinkEmitTests {
    /// A source of one record, and a sink that answers it with records of these sizes, keyed `k0` to `k6` or not at all.
    private struct Setup {
        let bench: Bench
        let sink: SinkScript
        private let source = SourceScript(topic: "rows", values: [.int32(1)])

        init(_ sizes: [Int], partitions: Int32 = 1) throws {
            let sink = SinkScript(answers: { _ in
                var records = RecordSet()
                for (number, size) in sizes.enumerated() {
                    let value = Array("\(number) ".utf8) + [UInt8](repeating: 0x78, count: size)
                    records.append(
                        timestamp: Int64(number), key: number % 4 == 3 ? nil : ByteSlice(Array("k\(number % 7)".utf8)), value: number % 5 == 4 ? nil : ByteSlice(value),
                        headers: [RawHeader("number", ByteSlice(Array("\(number)".utf8)))])
                }
                return (records, "answers")
            })
            self.sink = sink
            bench = try Bench([source.plugin, sink.plugin], settings: ["log.transaction.max.bytes": "1048576"])
            if partitions > 1 { _ = try bench.log.createTopic(TopicSpecification("answers", partitions: partitions)) }
        }

        func start() throws -> StandaloneHerder {
            let herder = try bench.herder()
            try herder.create("src", ["connector.class": "ScriptedSource", "value.converter": "IntegerConverter", "key.converter": "LongConverter"])
            try herder.create("copy", ["connector.class": "ScriptedSink", "topics": "rows", "value.converter": "IntegerConverter", "key.converter": "LongConverter"])
            return herder
        }

        func answers(_ partitions: Int32) throws -> [[Int]] {
            try (0..<partitions).map { partition in try bench.records(of: "answers", partition).map { record in try #require(record.headers.first?.value?.utf8Text.flatMap { Int($0) }) } }
        }
    }

    /// More than one transaction holds, with records of every size up to what fits alone: all are there, each partition's in their order.
    @Test(arguments: [1, 3] as [Int32]) func moreThanATransactionHoldsGoesInSeveral(partitions: Int32) async throws {
        try await onThread {
            let kilobytes = [300, 300, 300, 300, 0, 980, 1, 600, 600, 0, 500, 510, 520, 10, 980, 980, 200]
            let setup = try Setup(kilobytes.map { $0 << 10 }, partitions: partitions), herder = try setup.start()
            defer { herder.stop() }
            #expect(eventually { setup.sink.rows.count == 1 || Bench.state(herder, "copy", task: 0) == .failed })
            let tasks = try herder.status("copy").tasks
            #expect(Bench.state(herder, "copy", task: 0) == .running, "\(tasks)")
            let answers = try setup.answers(partitions)
            #expect(answers.flatMap(\.self).sorted() == Array(kilobytes.indices))
            for one in answers { #expect(one == one.sorted()) }
            #expect(answers.count { !$0.isEmpty } == Int(partitions), "the keys reach every partition")
        }
    }

    @Test func aRecordThatFitsIntoNoTransactionIsNamedAndNothingIsWritten() async throws {
        try await onThread {
            let setup = try Setup([300 << 10, 10, 1100 << 10, 10, 1200 << 10]), herder = try setup.start()
            defer { herder.stop() }
            #expect(eventually { Bench.state(herder, "copy", task: 0) == .failed })
            let trace = try herder.status("copy").tasks.first?.status.trace ?? ""
            for words in ["record.too_large", "topic answers", "with key k2", "the log takes records of at most 1015808", "log.transaction.max.bytes"] { #expect(trace.contains(words), "\(trace)") }
            #expect(try setup.bench.log.topic("answers") == nil)
            #expect(setup.sink.rows.isEmpty, "the batch counts as not written")
        }
    }
}
