import Foundation
import Postgres

/// The writers' own account of what was committed, to be held against what a topic tells.
struct Audit {
    private struct Entry {
        let number: Int64
        /// `w` for a version that was written, `d` for one that was deleted, with its stamp.
        let step: String
    }
    private var entries: [[UInt8]: [Entry]] = [:]
    private let table: AuditedTable
    /// Changes accounted for, and records told.
    private(set) var count = 0
    private(set) var records = 0

    private var faults: [String] = []
    private var told: [[UInt8]: [String]] = [:]
    private var read: Set<[UInt8]> = []
    /// Keys whose row was there before the first that was told of it.
    private var wasThere: Set<[UInt8]> = []
    /// Keys whose deletion was told last, and whose tombstone is due.
    private var dying: Set<[UInt8]> = []
    /// What is there as far as was told: the version of a row, or that there is none.
    private var versions: [[UInt8]: Int64?] = [:]

    init(of table: AuditedTable, _ sql: Connection) throws {
        self.table = table
        let result = try sql.execute("SELECT n, op || stamp, key FROM audit WHERE tbl = '\(table.name)' ORDER BY n")
        for row in 0..<result.rowCount {
            guard let number = result.integer(row, 0), let step = result.text(row, 1), let key = result.text(row, 2) else { throw TestFailure("row \(row) of the audit") }
            entries[Array(key.utf8), default: []].append(Entry(number: number, step: step))
            count += 1
        }
    }

    /// The last number that any writer has drawn by now.
    static func lastNumber(_ sql: Connection) throws -> Int64 { try sql.execute("SELECT last_value FROM audit_n_seq").integer(0, 0) ?? 0 }

    /// Takes what a topic tells next.
    mutating func tell(_ line: TopicDump.Line) throws {
        guard let values = line.key as? [String: Any] else { throw TestFailure("offset \(line.offset) of \(table.name) has no key") }
        let text = table.keyColumns.map { "\(values[$0] ?? "?")" }.joined(separator: "/"), key = Array(text.utf8)
        // A tombstone repeats a delete for the log's sake.
        if line.value == nil {
            if dying.remove(key) == nil { faults.append("\(text): a tombstone at offset \(line.offset) without a deletion before it") }
            return
        }
        guard let operation = line.operation else { throw TestFailure("offset \(line.offset) of \(table.name) is no change record") }
        if dying.remove(key) != nil { faults.append("\(text): \(operation) at offset \(line.offset), where the tombstone was due") }
        let before = Self.stamp(line, "before"), after = Self.stamp(line, "after")
        records += 1
        if let known = versions[key] {
            let claimed = operation == "r" ? after : before
            if known != claimed { faults.append("\(text): \(operation) at offset \(line.offset) goes on from \(Self.words(claimed)), where \(Self.words(known)) was told") }
        } else if operation != "r", before != nil {
            wasThere.insert(key)
        }
        versions[key] = .some(after)
        switch operation {
        case "r":
            if after == nil || !read.insert(key).inserted { faults.append("\(text): read as \(Self.words(after)) at offset \(line.offset), not for the first time") }
        case "c", "u":
            if (operation == "c") != (before == nil) { faults.append("\(text): \(operation) from \(Self.words(before))") }
            told[key, default: []].append("w\(after ?? -1)")
        case "d":
            told[key, default: []].append("d\(before ?? -1)")
            dying.insert(key)
        default: faults.append("\(text): operation \(operation)")
        }
    }

    /// What is wrong with what was told; empty when nothing is. It must be each change once, per key in the order of the commits, each joined on to the one before it:
    /// what it says was there before is what it last said is there; each deletion with its tombstone. A row read at the beginning, once, says what is known, or begins. At the end it must have told the table.
    /// - Parameter readBy: changes up to this number may have been there when the table was first read.
    func verdict(readBy: Int64, _ sql: Connection) throws -> [String] {
        var faults = faults + dying.map { "\(String(decoding: $0, as: UTF8.self)): no tombstone after its deletion" }
        // Only a row that was deleted before its turn came is not read.
        for key in wasThere.subtracting(read) where !(told[key] ?? []).contains(where: { $0.hasPrefix("d") }) {
            faults.append("\(String(decoding: key, as: UTF8.self)) was there at the beginning and never read")
        }
        for key in Set(entries.keys).union(told.keys) {
            let truth = entries[key] ?? [], changes = told[key] ?? [], text = String(decoding: key, as: UTF8.self)
            let missing = truth.count - changes.count
            if missing < 0 || truth.dropFirst(missing).map(\.step) != changes {
                let at = zip(truth.reversed(), changes.reversed()).prefix { $0.step == $1 }.count
                faults.append("\(text): \(truth.count) changes, \(changes.count) told, the last \(at) agree; before them \(truth.dropLast(at).suffix(3).map(\.step)) and \(changes.dropLast(at).suffix(3))")
            } else if let lost = truth.prefix(missing).first(where: { $0.number > readBy }) {
                faults.append("\(text): change \(lost.number) (\(lost.step)) is missing, and the first read was done by \(readBy)")
            }
        }
        let rows = try sql.execute("SELECT \(table.keyText), stamp FROM \(table.name)")
        for row in 0..<rows.rowCount {
            let key = Array((rows.text(row, 0) ?? "").utf8), stamp = rows.integer(row, 1)
            if versions[key].flatMap({ $0 }) != stamp { faults.append("\(String(decoding: key, as: UTF8.self)) is \(Self.words(stamp)), and \(Self.words(versions[key].flatMap { $0 })) was told") }
        }
        let left = versions.values.count { $0 != nil }
        if left != rows.rowCount { faults.append("\(rows.rowCount) rows are there, \(left) were told") }
        return faults
    }

    private static func stamp(_ line: TopicDump.Line, _ part: String) -> Int64? { (line.part(part)?["stamp"] as? NSNumber)?.int64Value }
    private static func words(_ version: Int64?) -> String { version.map { "version \($0)" } ?? "nothing" }
}
