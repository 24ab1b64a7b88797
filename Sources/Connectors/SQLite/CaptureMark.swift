internal import ConnectRuntime
internal import SQLite

/// A source's note in the file it captures: which topic the changes of a table go to. By it a sink notices that it would write a table's
/// changes into that very table, where each would be captured again, without end.
struct CaptureMark: Hashable {
    /// The log's stable id.
    let cluster: String
    let table: Name
    let topic: Name
    /// Device and inode: a copy of a captured file is not captured.
    let file: String

    private static let prefix = "capture:"
    var name: String { "\(Self.prefix)\(cluster):\(table)" }
    var value: String { JSON.object([JSON.Member("topic", .string(topic.text)), JSON.Member("file", .string(file))]).serializedText }

    /// What a source that reads the file now notes.
    struct Maker {
        let cluster: String
        let topic: (Name) -> Name

        func mark(_ table: Name, path: String) -> CaptureMark? {
            FileIdentity(path).map { CaptureMark(cluster: cluster, table: table, topic: topic(table), file: $0.text) }
        }
    }

    /// Notes about tables that are still armed in the file that is open, of one log or (`nil`) of all.
    static func all(_ database: Database, cluster: String?, file: FileIdentity) throws -> [CaptureMark] {
        guard try SqliteCatalog.sql(database, type: "table", name: Arming.memoryTable) != nil else { return [] }
        let statement = try database.prepare("SELECT name, value FROM main.connectd WHERE name GLOB 'capture:*'", isKept: false)
        defer { statement.finalize() }
        var marks: [CaptureMark] = []
        while try statement.step() {
            let parts = statement.string(at: 0).split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let json = try? JSON.parse(statement.string(at: 1)), let topic = json["topic"]?.text, let where_ = json["file"]?.text else { continue }
            marks.append(CaptureMark(cluster: String(parts[1]), table: Name(String(parts[2])), topic: Name(topic), file: where_))
        }
        return try marks.filter { mark in
            guard equalBytes(mark.file, file.text), cluster.map({ equalBytes($0, mark.cluster) }) ?? true else { return false }
            return try SqliteCatalog.triggers(database, on: mark.table).contains { equalBytes($0.name, ChangeTable.triggerName(mark.table, "i")) }
        }
    }

    /// Why a sink may not write a topic to where its format sends it, `nil` when it may.
    func loop(_ plan: SqliteSinkPlan, topics: Set<Name>) -> ConnectError? {
        guard topics.contains(topic) else { return nil }
        let file = plan.path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(decoding: $0, as: UTF8.self) } ?? plan.path
        let target = plan.rows.table.resolve(topic: topic) { member in
            switch member {
            case "table": table.text
            case "schema": "main"
            default: file
            }
        }
        guard let target, equalBytes(target.table.text.asciiLowercased, table.text.asciiLowercased) else { return nil }
        return ConnectError(
            .configuration, code: "sink.loop",
            "table \(table) of \(plan.path) is captured into topic \(topic), and this sink writes that topic into the same table: every change would be captured again, without end",
            suggestion: "write to another file, or to another table (table.name.format); if the table is not captured any more, drop its triggers connectd_\(table)_i, _u and _d")
    }
}

extension FileIdentity {
    var text: String { "\(device):\(inode)" }
}
