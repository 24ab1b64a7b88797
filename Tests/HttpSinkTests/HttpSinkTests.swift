import ConnectRuntime
import ConnectTesting
import Connectors
import Glibc
import Synchronization
import Testing

/// The sink against a server that misbehaves by script. Waits are short by settings; none is a synchronisation.
@Suite(.serialized)
struct HttpSinkTests {
    static let plugin = HttpPlugins.all[0]

    static func record(_ key: String?, _ value: String?) -> Record {
        Record(topic: "t", key: key.map { .string($0) } ?? .null, value: value.map { .string($0) } ?? .null)
    }

    /// Delivers records and gives back what the server got, beside the harness.
    static func deliver(
        _ server: ScriptedServer, _ settings: KeyValuePairs<Name, String> = [:], plugin: Plugin = plugin, tolerates: Bool = true, batches: [[Record]]
    ) throws -> SinkReport {
        var all: [(Name, String)] = [("http.url", server.url + "/hook"), ("retry.backoff.ms", "5"), ("retry.backoff.max.ms", "20")]
        for (name, value) in settings {
            all.removeAll { $0.0 == name }
            all.append((name, value))
        }
        let harness = try SinkHarness(plugin, pairs(all), tolerates: tolerates)
        defer { harness.stop() }
        for batch in batches { try harness.put(batch) }
        try harness.finish()
        return harness.context.whatHappened
    }

    static func pairs(_ all: [(Name, String)]) -> ConfigMap { ConfigMap(all.map { ConfigMap.Entry($0.0, $0.1) }) }

    @Test func onePostPerRecordWithItsKey() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        let envelope = Value.map([.init(key: .string("op"), value: .string("d")), .init(key: .string("after"), value: .null)])
        try await onThread {
            _ = try Self.deliver(
                server, batches: [[Self.record("a", "{\"x\":1}"), Record(topic: "t", key: .string("b"), value: envelope), Self.record("c", nil)]])
        }
        let requests = server.requests.sorted { $0.text < $1.text }
        #expect(requests.map(\.text) == ["{\"op\":\"d\",\"after\":null}", "{\"x\":1}"])
        #expect(requests.allSatisfy { $0.method == "POST" && $0.target == "/hook" && $0.header("Content-Type") == "application/json" })
        let keys = requests.compactMap { $0.header("Idempotency-Key") }
        #expect(Set(keys).count == 2)
        #expect(keys.allSatisfy { $0.utf8.count == 43 })
    }

    /// 429 with both forms of Retry-After, 503, reset, close, silence, a cut answer: order per key, same key on every try, nothing lost.
    @Test func everyFailureThatPasses() async throws {
        let date = Self.httpDate(secondsFromNow: 1)
        let answers: [ScriptedAnswer] = [
            .status(429, headers: [("Retry-After", "0")]), .status(429, headers: [("Retry-After", date)]), .status(503), .reset, .close, .silence, .cut(200, body: "a", promised: 5),
            .status(408), .status(500), .status(502), .status(503, headers: [("Retry-After", "0")]), .status(504), .status(425), .slow(503, pieces: ["a", "b"], milliseconds: 20),
        ]
        let script = Mutex<[String: Int]>([:])
        let server = try ScriptedServer { request, _ in
            let tries = script.withLock { tries in
                tries[request.text, default: 0] += 1
                return tries[request.text] ?? 0
            }
            guard let number = Int(request.text), number < answers.count, tries <= 2 else { return .status(200) }
            return answers[number]
        }
        defer { server.stop() }
        let context = try await onThread {
            try Self.deliver(
                server, ["http.request.timeout.ms": "400", "delivery.lanes": "4", "circuit.breaker.pause.ms": "20"],
                batches: [(0..<40).map { Self.record("k\($0 % 5)", "\($0)") }])
        }
        #expect(context.deadLetters.isEmpty)
        var keys: [String: Set<String>] = [:], firsts: [Int] = [], lasts: [Int: Int] = [:]
        for (index, request) in server.requests.enumerated() {
            let number = try #require(Int(request.text))
            keys[request.text, default: []].insert(request.header("Idempotency-Key") ?? "")
            if !firsts.contains(number) { firsts.append(number) }
            lasts[number] = index
        }
        #expect(firsts.count == 40)
        #expect(keys.values.allSatisfy { $0.count == 1 }, "each retry with the same key")
        #expect(Set(keys.values.flatMap(\.self)).count == 40)
        for key in 0..<5 {
            let numbers = firsts.filter { $0 % 5 == key }
            #expect(numbers == numbers.sorted())
            for (one, next) in zip(numbers, numbers.dropFirst()) {
                let firstOfNext = try #require(server.requests.firstIndex { $0.text == "\(next)" })
                #expect(lasts[one] ?? .max < firstOfNext, "a record is through before the next of its key begins")
            }
        }
        #expect(!context.notes.isEmpty, "the status says what is going on")
        #expect(context.lastNote == nil)
    }

    @Test func refusedRecordsGoToTheDeadLetters() async throws {
        let long = String(repeating: "x", count: 9_000)
        let server = try ScriptedServer { request, _ in
            switch request.text {
            case "1": .status(400, body: "bad: \(long)")
            case "3": .status(302, headers: [("Location", "http://127.0.0.1:1/")])
            case "5": .status(422, body: "{\"error\":\"no\"}")
            default: .status(201)
            }
        }
        defer { server.stop() }
        let context = try await onThread { try Self.deliver(server, batches: [(0..<8).map { Self.record("k", "\($0)") }]) }
        #expect(context.deadLetters.map(\.offset) == [1, 3, 5])
        #expect(context.deadLetters.map(\.error.code) == ["http.status_400", "http.status_302", "http.status_422"])
        #expect(context.deadLetters.allSatisfy { $0.error.kind == .data })
        #expect(context.deadLetters[0].error.message.contains("answered 400: bad: xxx"))
        #expect((4096...4300).contains(context.deadLetters[0].error.message.utf8.count))
        #expect(server.requests.count == 8, "a redirect is not followed, a refusal not tried again")
    }

    @Test func withoutToleranceTheTaskFails() async throws {
        let server = try ScriptedServer { _, _ in .status(404, body: "nothing here") }
        defer { server.stop() }
        let error = await #expect(throws: ConnectError.self) { try await onThread { _ = try Self.deliver(server, tolerates: false, batches: [[Self.record("k", "v")]]) } }
        #expect(error?.code == "http.status_404")
        #expect(error?.message.contains("nothing here") == true)
    }

    @Test func retriesEndWhereTheyAreCounted() async throws {
        let server = try ScriptedServer { _, _ in .status(503, body: "busy") }
        defer { server.stop() }
        let context = try await onThread { try Self.deliver(server, ["max.retries": "3", "circuit.breaker.failures": "0"], batches: [[Self.record("k", "v")]]) }
        #expect(server.requests.count == 4)
        #expect(context.deadLetters.map(\.error.code) == ["http.status_503"])
        #expect(context.deadLetters.first?.error.message.contains("gave up after 4 attempts: busy") == true)
    }

    @Test func aSlowKeyDoesNotHoldUpTheOthers() async throws {
        let isOpen = Atomic(false)
        let server = try ScriptedServer { request, _ in request.text == "0" && !isOpen.load(ordering: .relaxed) ? .status(503) : .status(200) }
        defer { server.stop() }
        try await onThread {
            let harness = try SinkHarness(Self.plugin, Self.pairs([("http.url", server.url), ("retry.backoff.ms", "5"), ("retry.backoff.max.ms", "10"), ("circuit.breaker.failures", "0")]))
            defer { harness.stop() }
            // Other keys of the same lane wait too: eight keys, of which most are in other lanes.
            try harness.put((0..<64).map { Self.record($0 == 0 ? "blocked" : "k\($0)", "\($0)") })
            for turn in 0... {
                try harness.task.put(RecordBatch())
                if Set(server.requests.map(\.text)).count >= 33 || turn > 2_000 { break }
                _ = harness.context.clock.sleep(milliseconds: 1, wake: harness.context.wakeUp)
            }
            #expect(Set(server.requests.map(\.text)).count >= 33)
            #expect(try harness.committable() == 0, "nothing is committed past what is not delivered")
            isOpen.store(true, ordering: .relaxed)
            try harness.finish()
        }
    }

    @Test func aFullQueuePausesThePartitions() async throws {
        let isOpen = Atomic(false)
        let server = try ScriptedServer(keepsRequests: false) { _, _ in isOpen.load(ordering: .relaxed) ? .status(200) : .status(503) }
        defer { server.stop() }
        try await onThread {
            let harness = try SinkHarness(Self.plugin, Self.pairs([("http.url", server.url), ("retry.backoff.ms", "5"), ("retry.backoff.max.ms", "10"), ("circuit.breaker.pause.ms", "5")]))
            defer { harness.stop() }
            let large = String(repeating: "v", count: 1 << 20)
            for batch in 0..<4 { try harness.put((0..<10).map { Self.record("k\(batch)-\($0)", large) }) }
            #expect(harness.context.paused == [TopicPartition("t", 0)])
            isOpen.store(true, ordering: .relaxed)
            try harness.finish()
            #expect(harness.context.paused.isEmpty)
        }
    }

    /// Whatever came after a record that is stuck is kept in mind until it is through: that has a bound too, though the rest is delivered.
    @Test func whatIsDeliveredBehindAStuckRecordIsBounded() async throws {
        let isOpen = Atomic(false)
        let server = try ScriptedServer(keepsRequests: false) { request, _ in !request.text.hasPrefix("stuck") || isOpen.load(ordering: .relaxed) ? .status(200) : .status(400) }
        defer { server.stop() }
        try await onThread {
            let harness = try SinkHarness(Self.plugin, Self.pairs([("http.url", server.url), ("retry.on", "400"), ("retry.backoff.ms", "5"), ("retry.backoff.max.ms", "10"), ("delivery.lanes", "64")]))
            defer { harness.stop() }
            let large = String(repeating: "v", count: 1 << 20)
            try harness.put([Self.record("k", "stuck")])
            for batch in 0..<80 where harness.context.paused.isEmpty {
                try harness.put([Self.record("k\(batch)", large)])
                for _ in 0..<20 { try harness.task.put(RecordBatch()) }
            }
            #expect(harness.context.paused == [TopicPartition("t", 0)])
            #expect(try harness.committable() == 0)
            isOpen.store(true, ordering: .relaxed)
            try harness.finish()
            #expect(harness.context.paused.isEmpty)
        }
    }

    @Test func aStoppedSinkLeavesWhatIsNotThroughForTheNextOne() async throws {
        let server = try ScriptedServer { request, _ in request.text == "5" ? .silence : .status(200) }
        defer { server.stop() }
        try await onThread {
            let harness = try SinkHarness(Self.plugin, Self.pairs([("http.url", server.url), ("order.by", "partition")]))
            try harness.put((0..<10).map { Self.record("k", "\($0)") })
            for _ in 0..<2_000 where server.requests.count < 6 { try harness.task.put(RecordBatch()) }
            harness.context.wakeUp.set()
            #expect(try harness.committable() == 5)
            harness.stop()
        }
    }

    /// What `Retry-After` asks for is kept, in both of its forms: the back-off of these sinks alone is twenty milliseconds at most.
    @Test(arguments: [429, 503]) func retryAfterIsKept(status: Int) async throws {
        let due = time(nil) + 2, date = Self.httpDate(secondsFromNow: 2)
        let arrivals = Mutex<[String: [(wall: Int, monotonic: ContinuousClock.Instant)]]>([:])
        let server = try ScriptedServer { request, _ in
            let tries = arrivals.withLock { arrivals in
                arrivals[request.text, default: []].append((Self.wallMilliseconds(), .now))
                return arrivals[request.text]?.count ?? 0
            }
            if tries > 1 { return .status(200) }
            return .status(status, headers: [("Retry-After", request.text == "seconds" ? "1" : date)])
        }
        defer { server.stop() }
        _ = try await onThread {
            try Self.deliver(
                server, ["delivery.lanes": "2", "circuit.breaker.failures": "0"], batches: [[Self.record("a", "seconds"), Self.record("b", "date")]])
        }
        let found = arrivals.withLock { $0 }
        let seconds = try #require(found["seconds"]), dates = try #require(found["date"])
        #expect(seconds.count == 2 && dates.count == 2)
        #expect(seconds[1].monotonic - seconds[0].monotonic >= .seconds(1))
        // The kernel counts whole seconds by a coarser clock than milliseconds.
        #expect(dates[1].wall >= due * 1000 - 10)
    }

    private static func wallMilliseconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }

    /// Twenty-five requests at ten a second, of which ten may go at once, take a second at least.
    @Test func aRateLimitIsKept() async throws {
        let arrivals = Mutex<[ContinuousClock.Instant]>([])
        let server = try ScriptedServer { _, _ in
            arrivals.withLock { $0.append(.now) }
            return .status(200)
        }
        defer { server.stop() }
        _ = try await onThread { try Self.deliver(server, ["rate.limit": "10"], batches: [(0..<25).map { Self.record("k\($0)", "\($0)") }]) }
        let found = arrivals.withLock { $0 }
        #expect(found.count == 25)
        #expect(try #require(found.last) - #require(found.first) >= .seconds(1))
    }

    static func httpDate(secondsFromNow seconds: Int) -> String {
        var now = time(nil) + seconds, parts = tm()
        gmtime_r(&now, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"], months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
