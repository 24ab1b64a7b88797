import ConnectRuntime
import EmbeddedLog
import Foundation
import Glibc
import SQLite

/// What a data folder and a copy hold, read in this process: dense checks without a worker's start.
struct TopicContent {
    /// As the log keeps them.
    private(set) var batches: [ConsumedRecords] = []
    /// The offset of the next record.
    private(set) var end: Int64 = 0
    /// What the sink's group has committed, and the number of the row that the source has read last.
    private(set) var groupOffset: Int64 = 0
    private(set) var sourceNumber: Int64 = 0

    /// Opens the log as a worker does, reads all of a topic, and closes it. - Throws: whatever the log says of it.
    init(data: String, topic: String, source: String, sink: String) throws {
        let log = try EmbeddedLog.open(EmbeddedLogOptions(folder: data))
        defer { log.close() }
        let place = TopicPartition(Name(topic), 0)
        guard try log.topic(place.topic) != nil else { return }
        end = try log.bounds(of: place).end
        groupOffset = try log.committedOffsets(group: Name("connect-\(sink)"))[place]?.offset ?? 0
        sourceNumber = try log.offsets.offsets(connector: Name(source)).compactMap { try $0.offset.members()["seq"]?.int64 }.max() ?? 0
        let consumer = try log.openConsumer(ConsumerOptions(group: nil))
        defer { consumer.close() }
        try consumer.subscribe(.topics([place.topic]))
        while !consumer.assignment.contains(place) { _ = try consumer.poll(maximumBytes: 1, milliseconds: 1000) }
        while try consumer.position(place) < end {
            let events = try consumer.poll(maximumBytes: 4 << 20, milliseconds: 1000)
            for case .records(let records) in events { batches.append(records) }
            if events.isEmpty { throw TestFailure("the topic ends at \(end), but nothing comes after \(read)") }
        }
    }

    /// - Throws: unless this is what the other has, up to some batch of it.
    func mustBePrefix(of other: TopicContent) throws {
        guard batches.count <= other.batches.count else { throw TestFailure("\(batches.count) batches where there were \(other.batches.count)") }
        for (mine, its) in zip(batches, other.batches) where mine.nextOffset != its.nextOffset || !Self.isEqual(mine, its) {
            throw TestFailure("the batch before offset \(mine.nextOffset) is not the one before offset \(its.nextOffset) that was written there")
        }
        guard read == end else { throw TestFailure("the topic ends at \(end), its records at \(read)") }
    }

    /// Byte by byte, in the C library: much of what these checks take.
    private static func isEqual(_ mine: ConsumedRecords, _ its: ConsumedRecords) -> Bool {
        mine.records.arena.withUnsafeBytes { mine in
            its.records.arena.withUnsafeBytes { its in
                guard mine.count == its.count, let one = mine.baseAddress, let other = its.baseAddress else { return mine.isEmpty && its.isEmpty }
                return memcmp(one, other, mine.count) == 0
            }
        }
    }

    private var read: Int64 { batches.last?.nextOffset ?? 0 }

    /// The rows' numbers, in the order of the records. Without parsing them as a whole, which takes too long for so many.
    var numbers: [Int] {
        let mark = Array(#""after":{"number":"#.utf8)
        var numbers: [Int] = []
        for records in batches {
            for index in 0..<records.records.count {
                let number = records.records.value(at: index)?.withUnsafeBytes { value -> Int? in
                    guard let start = (0..<value.count).first(where: { value[$0...].starts(with: mark) }) else { return nil }
                    return Int(String(decoding: value[(start + mark.count)...].prefix { (48...57).contains($0) }, as: UTF8.self))
                }
                numbers.append(number ?? -1)
            }
        }
        return numbers
    }
}

/// How far a sink's target has come.
struct CopyContent {
    private(set) var rows: Int64 = 0
    private(set) var lastNumber: Int64 = 0
    private(set) var position: Int64 = 0

    /// - Throws: also where SQLite finds the file damaged.
    init(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        let database = try Database(path: path, mode: .readWrite)
        defer { database.close() }
        try database.mustBeWhole()
        func has(_ table: String) throws -> Bool { try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = '\(table)'") == 1 }
        if try has("connectd_sink_offset") { position = max(0, try database.integer("SELECT max(next_offset) FROM connectd_sink_offset") ?? 0) }
        guard try has("journal") else { return }
        rows = try database.integer("SELECT count(*) FROM journal") ?? 0
        lastNumber = try database.integer("SELECT max(number) FROM journal") ?? 0
    }
}

extension Database {
    func mustBeWhole() throws {
        let words = try text("PRAGMA integrity_check")
        if words != "ok" { throw TestFailure("\(path): integrity_check says \(words ?? "nothing")") }
    }
}
