import ConnectRuntime
import ConnectTesting
import Synchronization
import Testing

/// Retention that overtakes a sink while it runs: its policy decides as it does at the start.
@Suite(.serialized) struct SinkGapTests {
    private static let place = TopicPartition("rows", 0)

    /// A sink that goes on where `on.gap` says, and whose first `put` lasts as long as the test wants.
    private final class Script: Sendable {
        let policy: SinkResume.GapPolicy?
        let misbehaviour = Misbehaviour()
        private let kept = Mutex<[Int64]>([])
        /// Run while the sink is opened, after it said where it goes on; each of them once.
        private let whileOpening: Mutex<[@Sendable () -> Void]>
        init(_ policy: SinkResume.GapPolicy?, whileOpening: [@Sendable () -> Void] = []) {
            self.policy = policy
            self.whileOpening = Mutex(whileOpening)
        }
        func opening() { whileOpening.withLock { $0.isEmpty ? nil : $0.removeFirst() }?() }
        var offsets: [Int64] { kept.withLock { $0 } }
        func keep(_ batch: RecordBatch) {
            kept.withLock { kept in for case .log(let origin) in batch.entries.map(\.origin) { kept.append(origin.offset) } }
        }
        var plugin: Plugin { Plugin(["GapSink"], version: "1.0.0", definition: ConfigDefinition(), summary: "Meets gaps.", factory: .sink { GapSink(self) }) }
    }
    private final class GapSink: SinkConnector {
        private let script: Script
        init(_ script: Script) { self.script = script }
        func start(_ config: Config, context: any ConnectorContext) throws {}
        func taskConfigs(maximum: Int) throws -> [ConfigMap] { [ConfigMap()] }
        func stop() {}
        func makeTask() -> any SinkTask { GapSinkTask(script) }
    }
    private final class GapSinkTask: SinkTask {
        private let script: Script
        init(_ script: Script) { self.script = script }
        func start(_ config: Config, context: any SinkTaskContext) throws {}
        func open(_ partitions: [AssignedPartition]) throws -> [TopicPartition: Int64] {
            guard let policy = script.policy else { return [:] }
            var positions: [TopicPartition: Int64] = [:]
            for partition in partitions {
                switch SinkResume.decide(stored: nil, partition: partition, onGap: policy) {
                case .goOn(let offset), .startOver(let offset): positions[partition.topicPartition] = offset
                case .refuse(let error): throw error
                }
            }
            script.opening()
            return positions
        }
        func put(_ batch: RecordBatch) throws {
            if !batch.isEmpty { try script.misbehaviour.enter("put") }
            script.keep(batch)
        }
        func stop() {}
    }

    private func fill(_ bench: Bench, batches: Int) throws {
        let producer = try bench.log.openProducer(ProducerID("test/fill"))
        defer { producer.close() }
        for _ in 0..<batches {
            var set = RecordSet()
            for _ in 0..<100 { set.append(timestamp: 1000, key: nil, value: ByteSlice([UInt8](repeating: 0x78, count: 400))) }
            try producer.begin()
            try producer.append(set, to: Self.place)
            guard case .durable = try producer.commit().wait(milliseconds: 10_000) else { throw ConnectError(.fatal, code: "test", "not durable") }
        }
    }

    @Test(arguments: [SinkResume.GapPolicy.skip, .fail, nil])
    func retentionOvertakesARunningSink(_ policy: SinkResume.GapPolicy?) async throws {
        try await onThread {
            let script = Script(policy)
            script.misbehaviour.plan("put", 1, .block)
            let bench = try Bench([script.plugin], settings: ["sink.batch.max.bytes": "40000"], maintenanceMilliseconds: 10)
            _ = try bench.log.createTopic(TopicSpecification("rows", configuration: TopicConfiguration(retentionBytes: 200_000)))
            try fill(bench, batches: 1)
            let herder = try bench.herder()
            defer {
                script.misbehaviour.release()
                herder.stop()
            }
            try herder.create("snk", ["connector.class": "GapSink", "topics": "rows", "value.converter": "StringConverter", "key.converter": "StringConverter"])
            #expect(eventually { script.misbehaviour.blocked == 1 })
            try fill(bench, batches: 60)
            let end = bench.end(of: "rows")
            #expect(eventually { (try? bench.log.bounds(of: Self.place))?.start ?? 0 > end - 1000 })
            script.misbehaviour.release()
            if policy == .skip {
                #expect(eventually { script.offsets.last == end - 1 })
                #expect(Bench.state(herder, "snk", task: 0) == .running)
                #expect(script.offsets == script.offsets.sorted() && Set(script.offsets).count == script.offsets.count && script.offsets.count < Int(end))
                #expect(eventually { (try? bench.log.committedOffsets(group: "connect-snk"))?[Self.place]?.offset == end })
            } else {
                #expect(eventually { Bench.state(herder, "snk", task: 0) == .failed })
                let trace = try herder.status("snk").tasks.first?.status.trace ?? ""
                // A sink that has no such policy is told what the log says.
                #expect(trace.contains(policy == .fail ? "set on.gap=skip" : "retention has deleted what was asked for"), Comment(rawValue: trace))
            }
        }
    }

    /// The bounds that a sink is shown are old when it says where it goes on: retention has moved once more, and once more again.
    @Test func retentionMovesWhileASinkIsOpened() async throws {
        try await onThread {
            let bench = Mutex<Bench?>(nil)
            let moved: @Sendable () -> Void = {
                guard let bench = bench.withLock({ $0 }), let before = try? bench.log.bounds(of: Self.place).start else { return }
                do { try self.fill(bench, batches: 10) } catch { Issue.record(error) }
                #expect(eventually { (try? bench.log.bounds(of: Self.place))?.start ?? 0 > before })
            }
            let script = Script(.skip, whileOpening: [moved, moved])
            let made = try Bench([script.plugin], settings: ["sink.batch.max.bytes": "40000"], maintenanceMilliseconds: 10)
            bench.withLock { $0 = made }
            defer { bench.withLock { $0 = nil } }
            _ = try made.log.createTopic(TopicSpecification("rows", configuration: TopicConfiguration(retentionBytes: 200_000)))
            try fill(made, batches: 10)
            #expect(eventually { (try? made.log.bounds(of: Self.place))?.start ?? 0 > 0 })
            let herder = try made.herder()
            defer { herder.stop() }
            try herder.create("snk", ["connector.class": "GapSink", "topics": "rows", "value.converter": "StringConverter", "key.converter": "StringConverter"])
            #expect(eventually { script.offsets.last == 2999 })
            #expect(Bench.state(herder, "snk", task: 0) == .running)
            #expect(script.offsets == script.offsets.sorted() && Set(script.offsets).count == script.offsets.count)
        }
    }
}
