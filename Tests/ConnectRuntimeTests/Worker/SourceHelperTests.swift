import ConnectRuntime
import ConnectTesting
import Synchronization
import Testing

/// Large batches are written by two threads: what comes out is what one thread makes of the same records in small batches.
@Suite struct SourceHelperTests {
    private static let count = 6000

    /// Delivers records of every kind that matters on the way, so many with a poll.
    private final class MixedSource: SourceConnector {
        let perPoll: Int
        let told: Told
        init(_ perPoll: Int, _ told: Told) { (self.perPoll, self.told) = (perPoll, told) }
        func start(_ config: Config, context: any ConnectorContext) throws {}
        func taskConfigs(maximum: Int) throws -> [ConfigMap] { [ConfigMap()] }
        func stop() {}
        func makeTask() -> any SourceTask { MixedTask(perPoll, told) }
        func exactlyOnceSupport(_ config: Config) -> ExactlyOnceSupport { .supported }
    }
    private final class Told: Sendable {
        private let last = Mutex<Int64>(-1)
        var value: Int64 { last.withLock { $0 } }
        func tell(_ sequence: Int64) { last.withLock { $0 = sequence } }
    }
    private final class MixedTask: SourceTask {
        private let perPoll: Int
        private let told: Told
        private let partition = SourcePartition([("mixed", .string("rows"))])
        private let schema = Schema.structure("row", fields: [Schema.Field("n", .plain(.int64)), Schema.Field("t", .plain(.string, optional: true))])
        private var context: (any SourceTaskContext)?
        private var next = 0
        init(_ perPoll: Int, _ told: Told) { (self.perPoll, self.told) = (perPoll, told) }

        func start(_ config: Config, context: any SourceTaskContext) throws { self.context = context }
        func poll(into batch: inout RecordBatch) throws {
            let end = min(SourceHelperTests.count, next + perPoll)
            for number in next..<end {
                var record = Record(topic: number % 3 == 0 ? "one" : "many", keySchema: .plain(.int64), key: .int64(Int64(number % 500)))
                record.valueSchema = schema
                record.value = .structure(Struct(schema, [.int64(Int64(number)), number % 5 == 0 ? .null : .string("text \(number)")]))
                if number % 7 == 0 { record.timestamp = Int64(number) } else { record.timestamp = 1_000_000 }
                if number % 50 == 0 { record.headers = [Header("h", schema: .plain(.string), value: .string("x\(number)"))] }
                // None of its schema.
                if number % 97 == 0 { record.value = .string("no row") }
                // A tombstone, a record without key, one for a partition, one that fits into no transaction.
                if number % 101 == 0 { (record.valueSchema, record.value) = (nil, .null) }
                if number % 103 == 0 { (record.keySchema, record.key) = (nil, .null) }
                if number % 107 == 0 { record.partition = 0 }
                if number == 1501 { record.value = .structure(Struct(schema, [.int64(1501), .string(String(repeating: "y", count: 2 << 20))])) }
                batch.append(record, partition: partition, offset: number % 4 == 3 ? SourceOffset([("seq", .integer(Int64(number)))]) : nil)
            }
            next = end
            if batch.isEmpty, let context { _ = context.clock.sleep(milliseconds: 100, wake: context.wakeUp) }
        }
        func committed(_ offsets: [(partition: SourcePartition, offset: SourceOffset)]) throws {
            for (_, offset) in offsets { if let sequence = try offset.members()["seq"]?.int64 { told.tell(sequence) } }
        }
        func stop() {}
    }

    /// Everything that a run leaves in the topics: per partition each record in words.
    private func run(perPoll: Int, schemas: Bool) throws -> [String: [String]] {
        let told = Told()
        let plugin = Plugin(
            ["MixedSource"], version: "1.0.0", definition: ConfigDefinition(), summary: "Everything at once.",
            factory: .source { MixedSource(perPoll, told) })
        let bench = try Bench([plugin], settings: ["log.transaction.max.bytes": "1048576"])
        _ = try bench.log.createTopic(TopicSpecification("many", partitions: 3))
        let herder = try bench.herder()
        defer { herder.stop() }
        _ = try herder.put(
            "src",
            ConfigMap([
                "connector.class": "MixedSource", "errors.tolerance": "all", "key.converter": "JsonConverter", "key.converter.schemas.enable": "false",
                "value.converter": "JsonConverter", "value.converter.schemas.enable": schemas ? "true" : "false",
            ]), initialState: nil, replacing: true)
        #expect(eventually { told.value == Int64(Self.count - 1) })
        var found: [String: [String]] = [:]
        let consumer = try bench.log.openConsumer(ConsumerOptions(group: nil))
        defer { consumer.close() }
        try consumer.subscribe(.topics(["one", "many"]))
        var left = bench.end(of: "one") + (0..<3).reduce(0) { $0 + bench.end(of: "many", $1) }
        while left > 0 {
            for case .records(let consumed) in try consumer.poll(maximumBytes: 1 << 20, milliseconds: 1000) {
                let records = consumed.records
                for index in records.items.indices {
                    let headers = records.headers(at: index).map { "\($0.name)=\($0.value?.utf8Text ?? "-")" }
                    found[consumed.topicPartition.description, default: []].append(
                        "\(records.items[index].timestamp) \(records.key(at: index)?.utf8Text ?? "-") \(records.value(at: index)?.utf8Text ?? "-") \(headers)")
                }
                left -= Int64(records.count)
            }
        }
        return found
    }

    @Test(arguments: [true, false]) func twoThreadsWriteWhatOneWrites(schemas: Bool) async throws {
        try await onThread {
            let small = try run(perPoll: 100, schemas: schemas), large = try run(perPoll: 2000, schemas: schemas)
            // Records without key go by turns, one partition to a transaction: those are where the transactions were.
            func keyed(_ found: [String: [String]]) -> [String: [String]] { found.mapValues { $0.filter { !$0.split(separator: " ")[1].elementsEqual("-") } } }
            let difference = keyed(small).first { keyed(large)[$0.key] != $0.value }
            #expect(difference == nil)
            func keyless(_ found: [String: [String]]) -> [String] { found.values.flatMap { $0 }.filter { $0.split(separator: " ")[1].elementsEqual("-") }.sorted() }
            #expect(keyless(small) == keyless(large) && !keyless(large).isEmpty)
            let total = large.values.reduce(0) { $0 + $1.count }
            let unwritable = (0..<Self.count).filter { ($0 % 97 == 0 && $0 % 101 != 0) || $0 == 1501 }.count
            #expect(total == Self.count - unwritable)
        }
    }
}
