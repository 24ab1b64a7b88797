import ConnectRuntime
import ConnectTesting
import Synchronization
import Testing

/// A sink that writes values as plain JSON gets those that are so as bytes, and everybody else gets values.
@Suite struct SinkPlainJSONTests {
    private final class Book: Sendable {
        struct Line: Hashable {
            let isPlainJSON: Bool
            let value: Value
            let bytes: String?
        }
        private let state = Mutex<[Int64: Line]>([:])
        let takesPlainJSON: Bool
        init(takesPlainJSON: Bool) { self.takesPlainJSON = takesPlainJSON }

        var lines: [Int64: Line] { state.withLock { $0 } }

        func take(_ batch: RecordBatch) {
            for entry in batch.entries {
                guard case .log(let origin) = entry.origin else { continue }
                state.withLock { $0[origin.offset] = Line(isPlainJSON: entry.isPlainJSON, value: entry.record.value, bytes: origin.rawValue?.utf8Text) }
            }
        }

        var plugin: Plugin {
            .sink(named: "BookSink") { BookSinkTask(self) }
        }
    }
    private final class BookSinkTask: PlainJSONSink {
        private let book: Book
        init(_ book: Book) { self.book = book }
        var takesPlainJSON: Bool { book.takesPlainJSON }
        func start(_ config: Config, context: any SinkTaskContext) throws {}
        func put(_ batch: RecordBatch) throws { book.take(batch) }
        func stop() {}
    }

    /// Every fifth is of one kind; the fourth kind is no JSON.
    private static func value(_ number: Int) -> String? {
        switch number % 5 {
        case 0: "{\"n\":\(number)}"
        case 1: "{ \"n\": \(number) }"
        case 2: "\"text\""
        case 3: nil
        default: "{\"n\":\(number)"
        }
    }

    private func run(_ count: Int, takesPlainJSON: Bool, _ more: [Name: String] = [:]) throws -> [Int64: Book.Line] {
        let book = Book(takesPlainJSON: takesPlainJSON)
        let bench = try Bench([book.plugin] + BuiltInTransforms.plugins)
        _ = try bench.log.createTopic(TopicSpecification("rows"))
        let producer = try bench.log.openProducer(ProducerID("test/fill"))
        defer { producer.close() }
        var set = RecordSet()
        for number in 0..<count { set.append(timestamp: 1000, key: ByteSlice(Array("\(number)".utf8)), value: Self.value(number).map { ByteSlice(Array($0.utf8)) }) }
        try producer.begin()
        try producer.append(set, to: TopicPartition("rows", 0))
        guard case .durable = try producer.commit().wait(milliseconds: 10_000) else { throw ConnectError(.fatal, code: "test", "not durable") }
        let herder = try bench.herder()
        defer { herder.stop() }
        var config = ConfigMap([
            "connector.class": "BookSink", "topics": "rows", "key.converter": "StringConverter", "value.converter": "JsonConverter",
            "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "bad",
        ])
        for (name, value) in more { config[name] = .some(value) }
        _ = try herder.put("snk", config, initialState: nil, replacing: true)
        let good = (0..<count).filter { $0 % 5 != 4 }.count
        #expect(eventually { book.lines.count == good })
        #expect(eventually { bench.end(of: "bad") == count - good })
        return book.lines
    }

    private static func read(_ number: Int) -> Value {
        switch number % 5 {
        case 0, 1: .map([.init(key: .string("n"), value: .int64(Int64(number)))])
        case 2: .string("text")
        default: .null
        }
    }

    /// Few are read by the task's own thread, many by its helper's.
    @Test(arguments: [10, 2_000]) func plainValuesStayBytesAndTheRestIsRead(_ count: Int) async throws {
        try await onThread {
            let lines = try run(count, takesPlainJSON: true)
            for number in 0..<count where number % 5 != 4 {
                let isPlain = number % 5 == 0
                #expect(lines[Int64(number)] == Book.Line(isPlainJSON: isPlain, value: isPlain ? .null : Self.read(number), bytes: Self.value(number)))
            }
        }
    }

    @Test func valuesAreReadForWhoeverLooksAtThem() async throws {
        try await onThread {
            let renamed: [Name: String] = [
                "transforms": "t", "transforms.t.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.t.regex": "rows", "transforms.t.replacement": "lines",
            ]
            for lines in [try run(1_000, takesPlainJSON: false), try run(1_000, takesPlainJSON: true, renamed)] {
                for (offset, line) in lines { #expect(line == Book.Line(isPlainJSON: false, value: Self.read(Int(offset)), bytes: Self.value(Int(offset)))) }
            }
        }
    }
}
