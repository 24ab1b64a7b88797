import ConnectRuntime
import ConnectTesting
import Synchronization
import Testing

/// While a batch is put the next is already read: pauses, seeks, rebalances and failures must find nothing of it delivered early, twice or not at all.
@Suite struct SinkLookAheadTests {
    /// A sink that does what a test says in each `put`, and keeps what it was given.
    private final class Book: Sendable {
        typealias Put = @Sendable (_ call: Int, _ batch: RecordBatch, _ context: any SinkTaskContext) throws -> Void
        private let state = Mutex((offsets: [TopicPartition: [Int64]](), calls: 0))
        private let put: Put
        init(_ put: @escaping Put) { self.put = put }

        var offsets: [TopicPartition: [Int64]] { state.withLock { $0.offsets } }
        var count: Int { state.withLock { $0.offsets.values.reduce(0) { $0 + $1.count } } }

        func take(_ batch: RecordBatch, _ context: any SinkTaskContext) throws {
            let call = state.withLock { state in
                state.calls += 1
                return state.calls
            }
            try put(call, batch, context)
            state.withLock { state in
                for case .log(let origin) in batch.entries.map(\.origin) { state.offsets[origin.topicPartition, default: []].append(origin.offset) }
            }
        }

        var plugin: Plugin {
            .sink(named: "BookSink") { BookSinkTask(self) }
        }
    }
    private final class BookSinkTask: SinkTask {
        private let book: Book
        private var context: (any SinkTaskContext)?
        init(_ book: Book) { self.book = book }
        func start(_ config: Config, context: any SinkTaskContext) throws { self.context = context }
        func put(_ batch: RecordBatch) throws { if let context { try book.take(batch, context) } }
        func stop() {}
    }

    private static let config: KeyValuePairs<Name, String> = [
        "connector.class": "BookSink", "topics": "rows", "key.converter": "StringConverter", "value.converter": "JsonConverter",
        "value.converter.schemas.enable": "false",
    ]
    private static let settings: KeyValuePairs<Name, String> = ["sink.batch.max.bytes": "65536"]

    private func fill(_ bench: Bench, partitions: Int32 = 2, perPartition: Int) throws {
        if try bench.log.topic("rows") == nil { _ = try bench.log.createTopic(TopicSpecification("rows", partitions: partitions)) }
        let producer = try bench.log.openProducer(ProducerID("test/fill"))
        defer { producer.close() }
        for start in stride(from: 0, to: perPartition, by: 500) {
            try producer.begin()
            for partition in 0..<partitions {
                var set = RecordSet()
                for number in start..<min(perPartition, start + 500) {
                    set.append(timestamp: 1000, key: ByteSlice(Array("k".utf8)), value: ByteSlice(Array("{\"n\":\(number),\"t\":\"\(String(repeating: "x", count: 50))\"}".utf8)))
                }
                try producer.append(set, to: TopicPartition("rows", partition))
            }
            guard case .durable = try producer.commit().wait(milliseconds: 10_000) else { throw ConnectError(.fatal, code: "test", "not durable") }
        }
    }

    private func run(_ book: Book, perPartition: Int, until done: () -> Bool, _ meanwhile: (Bench) throws -> Void = { _ in }) throws {
        let bench = try Bench([book.plugin], settings: Self.settings)
        try fill(bench, perPartition: perPartition)
        let herder = try bench.herder()
        defer { herder.stop() }
        try herder.create("snk", Self.config)
        try meanwhile(bench)
        #expect(eventually { done() })
        #expect(Bench.state(herder, "snk", task: 0) == .running)
    }

    @Test func aPausedPartitionStandsStillThoughItsNextRecordsAreRead() async throws {
        try await onThread {
            let one = TopicPartition("rows", 1), zero = TopicPartition("rows", 0)
            let early = Mutex(0)
            let resumed = Atomic(false)
            let book = Book { call, batch, context in
                if call == 2 { context.pause([one]) }
                let ones = batch.entries.filter { if case .log(let origin) = $0.origin { origin.topicPartition == one } else { false } }
                if call > 2, !resumed.load(ordering: .relaxed) { early.withLock { $0 += ones.count } }
                // The other partition's last record lets it go on.
                let isLast = batch.entries.contains { if case .log(let origin) = $0.origin { origin.topicPartition == zero && origin.offset == 7999 } else { false } }
                if isLast {
                    resumed.store(true, ordering: .relaxed)
                    context.resume([one])
                }
            }
            try run(book, perPartition: 8000) { book.count == 16000 }
            #expect(early.withLock { $0 } == 0)
            for place in [zero, one] { #expect(book.offsets[place] == Array(0..<8000)) }
        }
    }

    @Test func aSeekForgetsWhatWasReadAhead() async throws {
        try await onThread {
            let zero = TopicPartition("rows", 0)
            let sought = Mutex<Int64>(0)
            let book = Book { _, batch, context in
                let last = batch.entries.compactMap { entry -> Int64? in
                    if case .log(let origin) = entry.origin, origin.topicPartition == zero { origin.offset } else { nil }
                }.max()
                // The first batch that reaches beyond the thousandth record.
                guard let last, last > 1000, sought.withLock({ $0 == 0 }) else { return }
                sought.withLock { $0 = last + 1 }
                context.seek(zero, to: 10)
            }
            try run(book, perPartition: 4000) { book.offsets[zero]?.last == 3999 && book.offsets[TopicPartition("rows", 1)]?.last == 3999 }
            // What came with that batch or before it, then everything from 10 on.
            let passed = sought.withLock { $0 }
            #expect(passed > 1000 && book.offsets[zero] == Array(0..<passed) + Array(10..<4000))
            #expect(book.offsets[TopicPartition("rows", 1)] == Array(0..<4000))
        }
    }

    @Test func whatIsOfferedAgainComesBeforeWhatWasReadAhead() async throws {
        try await onThread {
            let book = Book { call, _, _ in
                if call % 3 == 2 { throw ConnectError(.retriable, code: "test.later", "connection refused") }
            }
            try run(book, perPartition: 6000) { book.count == 12000 }
            for partition: Int32 in 0..<2 { #expect(book.offsets[TopicPartition("rows", partition)] == Array(0..<6000)) }
        }
    }

    /// Another member of the group comes and goes: what is read ahead of partitions that go is nobody's, and the sink's own positions say what is next.
    @Test func partitionsThatGoTakeWhatWasReadAheadWithThem() async throws {
        try await onThread {
            let script = SinkScript()
            script.misbehaviour.always("put.write", .fail(ConnectError(.retriable, code: "test.later", "connection refused")))
            let bench = try Bench([script.plugin], settings: Self.settings)
            try fill(bench, partitions: 4, perPartition: 10_000)
            let herder = try bench.herder()
            defer { herder.stop() }
            var config = ConfigMap(Self.config)
            config["connector.class"] = .some("ScriptedSink")
            _ = try herder.put("snk", config, initialState: nil, replacing: true)
            #expect(eventually { script.misbehaviour.count("put.write") > 1 })
            for number in 0..<20 where script.rows.count < 40_000 {
                let rival = try bench.log.openConsumer(ConsumerOptions(group: "connect-snk"))
                try rival.subscribe(.topics(["rows"]))
                if number == 0 {
                    // Nothing was written yet: this one takes something away for sure, the others if they are quick enough.
                    #expect(eventually { (try? rival.poll(maximumBytes: 1, milliseconds: 20))?.contains { if case .assigned = $0 { true } else { false } } == true })
                    script.misbehaviour.always("put.write", nil)
                } else {
                    for _ in 0..<5 where try !rival.poll(maximumBytes: 1, milliseconds: 20).isEmpty { break }
                }
                rival.close()
            }
            #expect(eventually { script.rows.count == 40_000 })
            for partition: Int32 in 0..<4 {
                #expect(script.rows.filter { $0.place.partition == partition }.map(\.offset) == Array(0..<10_000))
            }
        }
    }

    /// A partition goes and comes back while a part of what was polled is offered again: the rest of that poll is not this assignment's any more.
    @Test func whatWasPolledBeforeAPartitionWentIsNotDeliveredAfterItCameBack() async throws {
        try await onThread {
            let script = SinkScript()
            script.misbehaviour.always("put.write", .fail(ConnectError(.retriable, code: "test.later", "connection refused")))
            let bench = try Bench([script.plugin], settings: ["sink.batch.max.rows": "10"])
            try fill(bench, perPartition: 100)
            let herder = try bench.herder()
            defer { herder.stop() }
            var config = ConfigMap(Self.config)
            config["connector.class"] = .some("ScriptedSink")
            _ = try herder.put("snk", config, initialState: nil, replacing: true)
            #expect(eventually { script.misbehaviour.count("put.write") > 1 })
            for _ in 0..<2 {
                let rival = try bench.log.openConsumer(ConsumerOptions(group: "connect-snk"))
                try rival.subscribe(.topics(["rows"]))
                #expect(eventually { (try? rival.poll(maximumBytes: 1, milliseconds: 20))?.contains { if case .assigned = $0 { true } else { false } } == true })
                rival.close()
                #expect(eventually { script.assigned.count == 2 })
            }
            script.misbehaviour.always("put.write", nil)
            #expect(eventually { script.rows.count >= 200 })
            // What would come a second time comes before these.
            try fill(bench, perPartition: 1)
            #expect(eventually { script.rows.filter { $0.offset == 100 }.count == 2 })
            for partition: Int32 in 0..<2 {
                #expect(script.rows.filter { $0.place.partition == partition }.map(\.offset) == Array(0...100))
            }
            #expect(Bench.state(herder, "snk", task: 0) == .running)
        }
    }
}
