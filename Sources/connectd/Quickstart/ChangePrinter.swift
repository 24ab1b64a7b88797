import ConnectREST
import ConnectRuntime
import SQLite
import Synchronization

/// Reads the shop's topics, waits until each change is in the copy, and prints it with the time it took from one file to the other.
final class ChangePrinter: Sendable {
    private let log: any TopicLog
    private let copy: String
    private let writer: ShopWriter
    private let terminal: Terminal
    private let stopping = WakeUp()
    private let ended = ThreadCondition()
    private let state = Mutex((hasEnded: false, printed: 0))

    /// How long to look for one change in the copy before saying that it is not there.
    private static let longestMilliseconds = 10_000

    init(log: any TopicLog, copy: String, writer: ShopWriter, terminal: Terminal) {
        self.log = log
        self.copy = copy
        self.writer = writer
        self.terminal = terminal
    }

    func start() throws { try PlainThread.start("printer") { self.run() } }

    /// Prints what is there and ends; bounded.
    func stop() {
        stopping.set()
        _ = ended.wait(milliseconds: 15_000) { self.state.withLock { $0.hasEnded ? true : nil } }
    }

    private func run() {
        var readers: [(topic: Name, reader: TopicReader)] = []
        let topics = Shop.tables.map { Name("shop.\($0)") }
        var database: Database?
        while true {
            let isLast = stopping.isSet
            for topic in topics where !readers.contains(where: { $0.topic == topic }) {
                if let reader = try? TopicReader(topic, start: .earliest, group: nil, log: log) { readers.append((topic, reader)) }
            }
            if database == nil { database = try? Database(path: copy, mode: .readOnly) }
            var found = 0
            for (topic, reader) in readers {
                let page = try? TopicPage.read(
                    reader, topic: topic, format: RecordFormat(), maximumRecords: 100, milliseconds: 2, log: log)
                for record in page?.records ?? [] {
                    found += 1
                    show(record, String(topic.text.dropFirst(5)), &database)
                }
            }
            if found == 0 {
                if isLast { break }
                if readers.isEmpty { _ = stopping.wait(milliseconds: 5) }
            }
        }
        state.withLock { $0.hasEnded = true }
        ended.broadcast()
    }

    private func show(_ record: JSON, _ table: String, _ database: inout Database?) {
        let value = record["value"] ?? .null
        guard let operation = value["op"]?.text else { return }
        let row = operation == "d" ? value["before"] : value["after"]
        guard let id = row?["id"]?.int64 else { return }
        let number = row?["change"]?.int64 ?? 0
        let began = operation == "d" ? writer.time(ofDeletion: table, id: id) : writer.time(ofChange: number)
        let arrived = waitForCopy(table, id: id, change: number, isDeletion: operation == "d", &database)
        var words = "not in copy.db yet"
        if let arrived {
            words = "in copy.db"
            if let began, arrived >= began { words = "\(milliseconds(arrived - began)) ms to copy.db" }
        }
        let place = "shop.\(table)/\(record["partition"]?.int64 ?? 0)@\(record["offset"]?.int64 ?? 0)"
        let shown = (operation == "d" ? "deleted" : row?.serializedText) ?? ""
        terminal.print("\(place.padded(20)) \(operation)  \((record["key"]?.serializedText ?? "").padded(10)) \(shown.padded(72)) \(words)")
    }

    /// - Returns: when the copy had the change, or something newer.
    private func waitForCopy(_ table: String, id: Int64, change: Int64, isDeletion: Bool, _ database: inout Database?) -> UInt64? {
        let clock = SystemClock(), pause = WakeUp()
        let deadline = clock.monotonicNanoseconds() + UInt64(Self.longestMilliseconds) * 1_000_000
        repeat {
            if database == nil { database = try? Database(path: copy, mode: .readOnly) }
            if let database {
                // The table may not be there yet; then the question is an error, and asked again.
                if let there = try? database.integer("SELECT count(*) FROM \(table)"), there >= 0 {
                    let stored = try? database.integer("SELECT change FROM \(table) WHERE id = \(id)")
                    if isDeletion ? stored == nil : (stored ?? -1) >= change { return clock.monotonicNanoseconds() }
                    // A row that was cleared away again before we looked has been here too.
                    if !isDeletion, stored == nil, writer.time(ofDeletion: table, id: id) != nil { return clock.monotonicNanoseconds() }
                }
            }
            _ = pause.wait(milliseconds: 1)
        } while clock.monotonicNanoseconds() < deadline
        return nil
    }

    private func milliseconds(_ nanoseconds: UInt64) -> String {
        let tenths = nanoseconds / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}

extension String {
    func padded(_ width: Int) -> String { count >= width ? self : self + String(repeating: " ", count: width - count) }
}
