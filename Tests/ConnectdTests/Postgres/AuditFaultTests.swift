import ConnectTesting
import Postgres
import PostgresTesting
import SQLite
import Testing

/// The judge of the kill tests, judged: a true story has no fault, and a story with one fault planted in it does.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, "no PostgreSQL server here: install postgresql or set POSTGRES_BIN")) struct AuditFaultTests {
    /// What is told: a key, and its stamp before and after.
    private struct Step {
        var key: Int
        var operation: String?
        var before: Int?
        var after: Int?

        static func told(_ key: Int, _ operation: String, _ before: Int?, _ after: Int?) -> Step { Step(key: key, operation: operation, before: before, after: after) }
        static func tombstone(_ key: Int) -> Step { Step(key: key) }

        func line(at offset: Int) -> TopicDump.Line {
            var value: [String: Any] = ["op": operation ?? ""]
            if let before { value["before"] = ["id": key, "stamp": before] }
            if let after { value["after"] = ["id": key, "stamp": after] }
            return TopicDump.Line(partition: 0, offset: Int64(offset), key: ["id": key], value: operation == nil ? nil : value, headers: [])
        }
    }

    /// Rows 1, 2, 3 and 5 are there at the beginning. Row 2 is deleted before its turn to be read comes, row 3 changed before; row 6 comes and goes; row 7 becomes row 8;
    /// rows 1 and 9 changed before the reading began, and nobody tells of that.
    private static let story: [Step] = [
        .told(2, "d", 2, nil), .tombstone(2), .told(3, "u", 3, 30), .told(1, "r", nil, 10), .told(3, "r", nil, 30), .told(5, "r", nil, 5), .told(9, "r", nil, 91), .told(1, "u", 10, 11),
        .told(1, "u", 11, 12), .told(6, "c", nil, 60), .told(6, "u", 60, 61), .told(6, "d", 61, nil), .tombstone(6), .told(7, "c", nil, 70), .told(7, "d", 70, nil), .tombstone(7),
        .told(8, "c", nil, 80), .told(2, "c", nil, 22), .told(3, "u", 30, 31),
    ]
    /// Changes up to here are from before the reading.
    private static let readBy: Int64 = 2
    private static let account = [
        (1, "w", 10), (9, "w", 91), (2, "d", 2), (3, "w", 30), (1, "w", 11), (1, "w", 12), (6, "w", 60), (6, "w", 61), (6, "d", 61), (7, "w", 70), (7, "d", 70), (8, "w", 80), (2, "w", 22), (3, "w", 31),
    ]
    private static let rows = [(1, 12), (2, 22), (3, 31), (5, 5), (8, 80), (9, 91)]

    private static func prepare() throws -> Connection {
        let server = try PostgresServer.shared(), sql = try server.connect(server.makeDatabase())
        try AuditedWriter.prepare(sql, [])
        try sql.execute(AuditedTable.items.definition)
        for (key, stamp) in rows { try sql.execute("INSERT INTO items VALUES (\(key), \(stamp))") }
        for (key, operation, stamp) in account { try sql.execute("INSERT INTO audit (tbl, op, key, stamp) VALUES ('items', '\(operation)', '\(key)', \(stamp))") }
        return sql
    }

    private static func faults(_ story: [Step], _ sql: Connection) throws -> [String] {
        var audit = try Audit(of: .items, sql)
        for (offset, step) in story.enumerated() { try audit.tell(step.line(at: offset)) }
        return try audit.verdict(readBy: readBy, sql)
    }

    @Test func eachPlantedFaultIsNoticed() async throws {
        try await onThread {
            let sql = try Self.prepare(), story = Self.story
            defer { sql.close() }
            #expect(try Self.faults(story, sql) == [])
            for index in story.indices {
                let words = "\(index): \(story[index])"
                var lost = story
                lost.remove(at: index)
                #expect(try !Self.faults(lost, sql).isEmpty, "lost \(words)")
                var doubled = story
                doubled.insert(story[index], at: index)
                #expect(try !Self.faults(doubled, sql).isEmpty, "doubled \(words)")
                doubled = story + [story[index]]
                #expect(try !Self.faults(doubled, sql).isEmpty, "told again at the end \(words)")
                var invented = story
                if story[index].after != nil { invented[index].after = 999 } else { invented[index].before = 999 }
                if story[index].operation != nil { #expect(try !Self.faults(invented, sql).isEmpty, "invented \(words)") }
                if let other = story[(index + 1)...].firstIndex(where: { $0.key == story[index].key }) {
                    var swapped = story
                    swapped.swapAt(index, other)
                    #expect(try !Self.faults(swapped, sql).isEmpty, "swapped \(words) and \(story[other])")
                }
                var moved = story
                moved[index].key = 77
                #expect(try !Self.faults(moved, sql).isEmpty, "under another key \(words)")
            }
        }
    }

    @Test func aCopyThatDiffersIsNoticed() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), sql = try Self.prepare()
            defer { sql.close() }
            let copy = try Database(path: folder.file("copy.db"), mode: .create), table = AuditedTable.items
            try copy.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, stamp INTEGER, note TEXT)")
            for (key, stamp) in Self.rows { try copy.execute("INSERT INTO items VALUES (\(key), \(stamp), NULL)") }
            let truth = try table.rows(sql)
            #expect(AuditedTable.difference(truth, try table.rows(copy)) == nil)
            for fault in ["DELETE FROM items WHERE id = 5", "UPDATE items SET stamp = 11 WHERE id = 1", "INSERT INTO items VALUES (6, 61, NULL)", "UPDATE items SET note = '' WHERE id = 2"] {
                try copy.execute("BEGIN; \(fault)")
                #expect(AuditedTable.difference(truth, try table.rows(copy)) != nil, "\(fault)")
                try copy.execute("ROLLBACK")
            }
        }
    }
}
