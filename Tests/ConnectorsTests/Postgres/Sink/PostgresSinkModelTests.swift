import ConnectRuntime
import ConnectTesting
import Connectors
import Postgres
import PostgresTesting
import Testing

/// Random batches of random changes, their connection cut at random messages, end in the state that one record after the other would have made.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresSinkModelTests {
    static let tables = [
        "CREATE TABLE t (id bigint PRIMARY KEY, v bigint CHECK (v >= 0), s text)",
        "CREATE TABLE t (id bigint PRIMARY KEY, v bigint CHECK (v >= 0), s text UNIQUE)",
        "CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text, extra text DEFAULT 'e', CONSTRAINT later UNIQUE (s) DEFERRABLE INITIALLY DEFERRED, CHECK (v >= 0))",
    ]

    @Test(arguments: 0..<9) func anyCutEndsInEqualStates(seed: Int) async throws {
        try await onThread {
            var random = RandomNumbers(seed: UInt64(seed))
            let target = try PostgresTarget()
            let proxy = try target.proxy()
            defer { proxy.stop() }
            try target.sql.execute(Self.tables[seed % 3])

            let topics = [TestTopic("t", 0), TestTopic("t", 1)]
            for number in 0..<150 {
                let part = Int.random(in: 0..<2, using: &random)
                // Keys belong to one partition, as a partitioner makes it.
                let id = Int64(Int.random(in: 0..<6, using: &random) * 2 + part)
                topics[part].records.append(
                    random.oneIn(4)
                        ? SqliteSinkTests.gone(id) : SqliteSinkTests.flat(id, random.oneIn(6) ? -1 : Int64(number), seed % 3 > 0 ? "u\(id).\(number)" : nil))
            }
            // The model: one record after the other.
            var model: [Int64: Int64] = [:]
            var letters: [TopicPartition: [Int64]] = [:]
            for topic in topics {
                for (offset, record) in topic.records.enumerated() {
                    guard case .structure(let key) = record.key, case .int64(let id) = key.values[0] else { continue }
                    guard case .structure(let row) = record.value else {
                        model[id] = nil
                        continue
                    }
                    if case .int64(let v) = row.values[1], v >= 0 { model[id] = v } else { letters[topic.partition, default: []].append(Int64(offset)) }
                }
            }

            let reporter = TestReporter()
            func newRun() -> PostgresSinkRun { PostgresSinkRun(target.url(through: proxy), ["lock.timeout.ms": "3000"], reporter: reporter) }
            func lightFuse() {
                let count = Int.random(in: 1..<150, using: &random)
                // Not always, or a batch with many bad records would never get through.
                proxy.cut(random.oneIn(3) ? nil : random.oneIn(2) ? .before(count) : .after(count))
            }
            var run = newRun()
            var positions: [TopicPartition: Int64] = [:]
            var zombies: [(run: PostgresSinkRun, isBehind: Bool)] = []
            func begin() throws {
                for _ in 0..<50 {
                    do {
                        run = newRun()
                        try run.start()
                        positions = try run.task.open(topics.map(\.assigned))
                        return
                    } catch let error as ConnectError where error.kind == .retriable {
                        run.task.stop()
                        if random.oneIn(2) { lightFuse() }
                    }
                }
                throw ServerProblem("the task does not start")
            }
            lightFuse()
            try begin()
            lightFuse()
            var steps = 0, cuts = 0
            while topics.contains(where: { (positions[$0.partition] ?? 0) < Int64($0.records.count) }), steps < 5000 {
                steps += 1
                // A batch holds records of both partitions, interleaved by runs.
                var batch = RecordBatch()
                var ends = positions
                for topic in topics.shuffled(using: &random) {
                    let part = topic.batch(from: positions[topic.partition] ?? 0, count: Int.random(in: 0...12, using: &random))
                    batch.entries += part.entries
                    ends[topic.partition, default: 0] += Int64(part.count)
                }
                var isPut = false
                for _ in 0..<50 where !isPut {
                    do {
                        try run.task.put(batch)
                        positions = ends
                        isPut = true
                    } catch let error as ConnectError where error.kind == .retriable {
                        cuts += 1
                        lightFuse()
                        if random.oneIn(4) {
                            // The process died there: the next one begins where the target says.
                            run.task.stop()
                            try begin()
                            isPut = true
                        }
                    }
                }
                if random.oneIn(8) {
                    // A new task takes over while the old one still lives and tries to go on.
                    zombies.append((run, (positions[topics[0].partition] ?? 0) < Int64(topics[0].records.count)))
                    try begin()
                }
                if let zombie = zombies.randomElement(using: &random), zombie.isBehind {
                    proxy.cut(nil)
                    let error = #expect(throws: ConnectError.self) { try zombie.run.task.put(topics[0].batch(from: 0, count: topics[0].records.count)) }
                    #expect(error?.kind == .fenced, "\(error.map { "\($0)" } ?? "")")
                    lightFuse()
                }
            }
            run.task.stop()
            for zombie in zombies { zombie.run.task.stop() }
            #expect(steps < 5000 && cuts > 0)
            let result = try target.sql.execute("SELECT id, v FROM t")
            let found = Dictionary(uniqueKeysWithValues: (0..<result.rowCount).map { (result.integer($0, 0) ?? -1, result.integer($0, 1) ?? -1) })
            #expect(found == model, "seed \(seed)")
            for topic in topics {
                let reported = reporter.letters.filter { $0.partition == topic.partition }.map(\.offset).sorted()
                let expected = letters[topic.partition] ?? []
                if seed % 3 > 0 {
                    // No reduction beside a second unique index: every record is tried.
                    #expect(reported == expected, "seed \(seed)")
                } else {
                    // A bad record that a good one superseded in its batch was never tried; the last change of a key always is.
                    #expect(Set(reported).isSubset(of: expected), "seed \(seed)")
                    let keys = topic.records.map { if case .structure(let key) = $0.key { key.values } else { [Value]() } }
                    for offset in expected where !keys[(Int(offset) + 1)...].contains(keys[Int(offset)]) { #expect(reported.contains(offset), "seed \(seed)") }
                }
            }
        }
    }
}
