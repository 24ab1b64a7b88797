import ConnectRuntime
import ConnectTesting
import Connectors
import Synchronization
import Testing

/// Memory is flat along the way: what the sink keeps of records ends with them, whatever became of them, and what it keeps of those that are gone is bounded (P7).
@Suite(.serialized)
struct HeldRecordsTests {
    /// Entries of gone records that may be kept before they are cut off; three times as many records pass.
    private static let slack = 2 * 1024

    private static func rounds(_ settings: [(Name, String)], _ answer: @escaping @Sendable (ScriptedRequest) -> ScriptedAnswer) async throws {
        let server = try ScriptedServer { request, _ in answer(request) }
        defer { server.stop() }
        try await onThread {
            let harness = try SinkHarness(
                HttpSinkTests.plugin, HttpSinkTests.pairs([("http.url", server.url), ("retry.backoff.ms", "1"), ("retry.backoff.max.ms", "2"), ("behavior.on.null.values", "delete")] + settings))
            defer { harness.stop() }
            let task = try #require(harness.task as? HttpSinkTask)
            var most = 0
            for round in 0..<60 {
                // The same key again and again, keys of their own, none at all, deletes, and records that are refused.
                let records = (0..<100).map { number in
                    HttpSinkTests.record(number % 3 == 0 ? "same" : number % 3 == 1 ? "k\(round)-\(number)" : nil, number % 10 == 3 ? nil : "{\"n\":\(number % 10)}")
                }
                try harness.put(records)
                #expect(task.held.requests <= 8 && task.held.records <= 100 && task.held.span <= 100)
                try harness.finish()
                let held = task.held
                #expect(held.records == 0 && held.bytes == 0 && held.span == 0 && held.requests == 0)
                most = max(most, held.entries)
            }
            #expect(most <= slack)
            #expect(harness.context.whatHappened.deadLetters.count > 0)
        }
    }

    @Test func oneRequestPerRecord() async throws {
        let tries = Mutex(0)
        try await Self.rounds([]) { request in
            if request.text.contains("7") { return .status(400) }
            // Every ninth try fails and is made again.
            return tries.withLock { tries in
                tries += 1
                return tries % 9 == 0 ? .status(503) : .status(200)
            }
        }
    }

    @Test func batches() async throws {
        let tries = Mutex(0)
        try await Self.rounds([("batching.enabled", "true"), ("batch.max.size", "20")]) { request in
            if request.text.contains(":7") { return .status(400) }
            return tries.withLock { tries in
                tries += 1
                return tries % 5 == 0 ? .status(503) : .status(200)
            }
        }
    }
}
