import Foundation
import SQLite

/// What happened to each row, as the change table has it and as the topic tells it, to be held against each other.
///
/// A step is an operation with the stamp of the version it made (`c`, `u`, `r`) or ended (`d`): no two changes share one.
struct ChangeHistory {
    struct Step: Hashable, CustomStringConvertible {
        let operation: String
        let stamp: Int64
        var description: String { "\(operation)\(stamp)" }
    }
    /// By key, its values in JSON: as bytes, since strings would take two forms of an accent for one.
    private(set) var steps: [[UInt8]: [Step]] = [:]
    private(set) var count = 0

    mutating func add(_ operation: String, stamp: Int64, key: [UInt8]) {
        steps[key, default: []].append(Step(operation: operation, stamp: stamp))
        count += 1
    }

    /// The change table's rows above a number, in their order; a change of the key is the end of one row and the beginning of another.
    init(changeTableOf table: SourceTable, after number: Int64, file: String) throws {
        let database = try Database(path: file, mode: .readOnly, busyTimeout: 30_000)
        defer { database.close() }
        func columns(_ prefix: String) throws -> String { try table.quoted((table.keyColumns + ["stamp"]).map { prefix + $0 }).joined(separator: ", ") }
        let rows = try database.prepare("SELECT op, \(try columns("b_")), \(try columns("a_")) FROM \(try quotedIdentifier("connectd_" + table.name)) WHERE seq > \(number) ORDER BY seq")
        let width = Int32(table.keyColumns.count)
        func key(from start: Int32) throws -> [UInt8] {
            try Self.keyBytes((start..<start + width).map { at -> Any in rows.type(at: at) == .integer ? rows.int64(at: at) : rows.string(at: at) })
        }
        while try rows.step() {
            let operation = rows.string(at: 0), before = 1, after = 2 + width
            if operation == "d" || operation == "k" { add("d", stamp: rows.int64(at: Int32(before) + width), key: try key(from: Int32(before))) }
            if operation != "d" { add(operation == "k" ? "c" : operation, stamp: rows.int64(at: after + width), key: try key(from: after)) }
        }
    }

    /// A topic's change records; tombstones, which repeat a delete for the log's sake, are left out.
    init(topic dump: TopicDump, table: SourceTable) throws {
        for line in dump.lines where line.value != nil {
            guard let operation = line.operation, let key = line.key as? [String: Any], let row = line.part(operation == "d" ? "before" : "after"),
                let stamp = row["stamp"] as? NSNumber
            else { throw TestFailure("offset \(line.offset) of \(table.name) is no change record: \(line.value ?? "null")") }
            add(operation, stamp: stamp.int64Value, key: try Self.keyBytes(table.keyColumns.map { key[$0] ?? NSNull() }))
        }
    }

    /// The number before the first change in the topic: what happened before was read with the rows, at the beginning.
    static func start(of dump: TopicDump) throws -> Int64 {
        let numbers = dump.lines.compactMap { line in line.operation == "r" ? nil : line.part("source")?["seq"] as? NSNumber }
        guard let first = numbers.map(\.int64Value).min() else { throw TestFailure("the topic holds no change") }
        return first - 1
    }

    private static func keyBytes(_ values: [Any]) throws -> [UInt8] { Array(try JSONSerialization.data(withJSONObject: values)) }

    /// What is wrong with the topic's history when this change table is the truth; empty when nothing is.
    ///
    /// Apart from rows read at the beginning (`r`), the topic holds each change exactly once and per key in the order of the
    /// commits. A row is read in the version that the changes told before it had made, and never twice without a change between (one that
    /// was deleted and inserted again may lie ahead of the reading a second time).
    func faults(ofTopic topic: ChangeHistory) -> [String] {
        var faults: [String] = []
        for key in Set(steps.keys).union(topic.steps.keys) {
            let told = topic.steps[key] ?? [], changes = told.filter { $0.operation != "r" }, truth = steps[key] ?? []
            let name = String(decoding: key, as: UTF8.self)
            if changes != truth {
                let at = zip(changes, truth).prefix { $0 == $1 }.count
                faults.append("\(name): change \(at) of \(truth.count) is \(truth.dropFirst(at).prefix(3)), the topic has \(changes.dropFirst(at).prefix(3)) of \(changes.count)")
            }
            for read in told.indices where told[read].operation == "r" && read > 0 {
                let before = told[read - 1]
                if before.operation == "r" || before.operation == "d" || before.stamp != told[read].stamp { faults.append("\(name): read \(told[read]) after \(before)") }
            }
        }
        return faults
    }
}
