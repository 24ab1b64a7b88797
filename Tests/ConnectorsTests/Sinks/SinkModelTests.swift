import ConnectRuntime
import ConnectTesting
@preconcurrency import Connectors
import SQLite
import Testing

/// Random batches of random changes, cut at random statements, end in the state that one record after the other would have made.
@Suite(.serialized) struct SinkModelTests {
    struct Crash: Error {}

    @Test(arguments: 0..<8) func anyCutEndsInEqualStates(seed: Int) async throws {
        try await onThread {
            var random = RandomNumbers(seed: UInt64(seed))
            let folder = try TemporaryFolder()
            let path = folder.file("copy.db")
            let setup = try Database(path: path, mode: .create)
            let table = ["CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER CHECK (v >= 0), s TEXT)", "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER CHECK (v >= 0), s TEXT UNIQUE)"]
            try setup.execute(table[seed % 2])
            setup.close()

            let topics = [TestTopic("t", 0), TestTopic("t", 1)]
            for number in 0..<250 {
                let part = Int.random(in: 0..<2, using: &random)
                // Keys belong to one partition, as a partitioner makes it.
                let id = Int64(Int.random(in: 0..<6, using: &random) * 2 + part)
                topics[part].records.append(
                    random.oneIn(4)
                        ? SqliteSinkTests.gone(id) : SqliteSinkTests.flat(id, random.oneIn(6) ? -1 : Int64(number), seed % 2 == 1 ? "u\(id).\(number)" : nil))
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
            var run = SinkRun(path, reporter: reporter)
            var positions: [TopicPartition: Int64] = [:]
            var fuse = Int.random(in: 0..<60, using: &random)
            var kind = 0
            var zombies: [SinkRun] = []
            func light(_ run: SinkRun) {
                run.task.fault = { _ in
                    fuse -= 1
                    if fuse == 0 { throw kind == 0 ? Crash() : SQLiteError(extendedCode: 1034, message: "disk I/O error") }
                }
            }
            func begin() throws {
                for _ in 0..<50 {
                    do {
                        run = SinkRun(path, reporter: reporter)
                        light(run)
                        try run.start()
                        positions = try run.task.open(topics.map(\.assigned))
                        return
                    } catch is Crash {
                        fuse = Int.random(in: 1..<120, using: &random)
                    } catch let error as ConnectError where error.kind == .retriable {
                        fuse = Int.random(in: 1..<120, using: &random)
                    }
                }
            }
            try begin()
            var steps = 0
            while topics.contains(where: { (positions[$0.partition] ?? 0) < Int64($0.records.count) }), steps < 5000 {
                steps += 1
                // A batch holds records of both partitions, interleaved by runs.
                var batch = RecordBatch()
                var ends = positions
                for topic in topics.shuffled(using: &random) {
                    let part = topic.batch(from: positions[topic.partition] ?? 0, count: Int.random(in: 0...40, using: &random))
                    batch.entries += part.entries
                    ends[topic.partition, default: 0] += Int64(part.count)
                }
                do {
                    try run.task.put(batch)
                    positions = ends
                    if random.oneIn(15) {
                        // A new task takes over while the old one still lives and tries to go on.
                        zombies.append(run)
                        try begin()
                    }
                } catch is Crash {
                    fuse = Int.random(in: 1..<120, using: &random)
                    kind = Int.random(in: 0..<2, using: &random)
                    try begin()
                } catch let error as ConnectError where error.kind == .retriable {
                    fuse = Int.random(in: 1..<120, using: &random)
                    kind = Int.random(in: 0..<2, using: &random)
                    // Offered again as it was.
                    var tries = 0
                    while tries < 50 {
                        tries += 1
                        do {
                            try run.task.put(batch)
                            positions = ends
                            break
                        } catch let error as ConnectError where error.kind == .retriable {
                            fuse = Int.random(in: 1..<120, using: &random)
                        } catch is Crash {
                            fuse = Int.random(in: 1..<120, using: &random)
                            try begin()
                            break
                        }
                    }
                }
                if let zombie = zombies.randomElement(using: &random), !batch.isEmpty {
                    zombie.task.fault = nil
                    let error = #expect(throws: ConnectError.self) { try zombie.task.put(topics[0].batch(from: 0, count: topics[0].records.count)) }
                    #expect(error?.kind == .fenced)
                }
            }
            #expect(steps < 5000)
            let reader = try Database(path: path, mode: .readOnly)
            let select = try reader.prepare("SELECT id, v FROM t")
            var found: [Int64: Int64] = [:]
            while try select.step() { found[select.int64(at: 0)] = select.int64(at: 1) }
            #expect(found == model, "seed \(seed)")
            for topic in topics {
                let reported = reporter.letters.filter { $0.partition == topic.partition }.map(\.offset).sorted()
                let expected = letters[topic.partition] ?? []
                if seed % 2 == 1 {
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
