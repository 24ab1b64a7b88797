import CFloors
import ConnectRuntime
import EmbeddedLog

/// Appends records of 250 bytes to the embedded log, 1,000 to a commit.
struct LogAppend: Benchmark {
    /// Commits handed over before the first is waited for: 1 is one sync per 1,000 records exactly as the floor's, 8 is what a
    /// source's runner keeps on its way (`source.in.flight.max.transactions`), and lets the log make several durable with one sync.
    let inFlight: Int
    /// What it is measured against.
    var floor = Floor.write
    enum Floor {
        /// The least that any log can do.
        case write
        /// What SQLite itself takes for the same commits: what is above is ours, what is below is the price of a log in one SQLite file.
        case sqlite
    }
    private let commits = 1000, recordsPerCommit = 1000, slices = 10

    var name: String { "log append, \(inFlight == 1 ? "one commit" : "\(inFlight) commits") in flight" }
    var floorName: String? {
        switch floor {
        case .write: "write + fdatasync per 1,000"
        case .sqlite: "SQLite in C, a row per 1,000, \(inFlight == 1 ? "one row" : "\(inFlight) rows") to a commit"
        }
    }
    /// With one commit in flight nothing can be prepared while the disk is at work, and SQLite's write-ahead log writes more than the floor does, so that
    /// SQLite itself is what to be held against.
    var target: Double? {
        switch floor {
        case .write: inFlight == 1 ? nil : 0.7
        case .sqlite: 0.8
        }
    }

    func measure(in folder: String) throws -> Measurement {
        let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: folder + "/data"))
        defer { log.close() }
        let partition = TopicPartition("bench", 0)
        _ = try log.createTopic(TopicSpecification("bench"))
        let producer = try log.openProducer(ProducerID("source/bench/0"))
        let records = Self.records(recordsPerCommit)
        let sqlite = floor == .sqlite ? floor_log_open(folder + "/floor.db") : nil
        defer { floor_log_close(sqlite) }
        var seconds = 0.0, floorSeconds = 0.0
        // In turns, so that whatever else the machine does meanwhile slows both.
        for slice in 0..<slices {
            let floor =
                switch floor {
                case .write: floor_append(folder + "/floor\(slice)", 250 * recordsPerCommit, Int32(commits / slices))
                case .sqlite: sqlite.map { floor_log_append($0, 250 * recordsPerCommit, Int32(commits / slices), Int32(inFlight)) } ?? -1
                }
            if floor < 0 { throw Wrong("the floor failed") }
            floorSeconds += floor
            seconds += try timed { try append(records, to: partition, producer) }
        }
        producer.close()
        try check(log, partition, records)
        return Measurement(records: commits * recordsPerCommit, seconds: seconds, floorSeconds: floorSeconds)
    }

    /// One slice's commits.
    private func append(_ records: RecordSet, to partition: TopicPartition, _ producer: any LogProducer) throws {
        var tickets: [CommitTicket] = []
        for _ in 0..<commits / slices {
            try producer.begin()
            try producer.append(records, to: partition)
            tickets.append(try producer.commit())
            if tickets.count == inFlight { try Self.wait(for: tickets.removeFirst()) }
        }
        for ticket in tickets { try Self.wait(for: ticket) }
    }

    private static func wait(for ticket: CommitTicket) throws {
        switch ticket.wait(milliseconds: 60_000) {
        case .durable: return
        case .failed(let error): throw error
        case nil: throw Wrong("a commit takes longer than a minute")
        }
    }

    /// Keys of 10 and values of 240 bytes.
    private static func records(_ count: Int) -> RecordSet {
        var records = RecordSet(capacity: count * 250)
        for number in 0..<count {
            let digits = Array("\(1_000_000_000 + number)".utf8)
            let value = (0..<240).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
            records.append(timestamp: 1_700_000_000_000, key: ByteSlice(digits), value: ByteSlice(value))
        }
        return records
    }

    /// Reads everything back.
    private func check(_ log: EmbeddedLog, _ partition: TopicPartition, _ expected: RecordSet) throws {
        let consumer = try log.openConsumer(ConsumerOptions(group: nil))
        defer { consumer.close() }
        try consumer.subscribe(.topics([partition.topic]))
        var next: Int64 = 0
        while next < Int64(commits * recordsPerCommit) {
            for case .records(let batch) in try consumer.poll(maximumBytes: 1 << 20, milliseconds: 10_000) {
                for index in 0..<batch.records.count {
                    let number = Int(next) % recordsPerCommit
                    guard batch.records.items[index].offset == next, batch.records.key(at: index) == expected.key(at: number),
                        batch.records.value(at: index) == expected.value(at: number)
                    else { throw Wrong("the record at offset \(next) is not the one appended") }
                    next += 1
                }
            }
        }
    }
}
