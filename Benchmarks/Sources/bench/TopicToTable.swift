import CFloors
import SQLite

/// A topic of change records into a SQLite table, exactly once: rows and position in one transaction.
struct TopicToTable: Benchmark {
    let rows: Int
    let name = "topic → SQLite"
    let floorName: String? = "C: prepared upsert, commit per 1,000, synchronous=FULL"
    let target: Double? = 0.5

    private static let upsert = """
        INSERT INTO orders (id, customer, total, note, at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET
            customer = excluded.customer, total = excluded.total, note = excluded.note, at = excluded.at
        """

    func measure(in folder: String) throws -> Measurement {
        let pipe = try Pipe(folder: folder, rows: rows)
        _ = try pipe.fillTopic()
        // Before and after, so that whatever else the machine does meanwhile slows both.
        let before = try floor(folder + "/floor-before.db")
        let seconds = try pipe.fillCopy()
        let after = try floor(folder + "/floor-after.db")
        for copy in [pipe.copyFile, folder + "/floor-after.db"] { try check(pipe.sourceFile, copy) }
        return Measurement(records: rows, seconds: seconds, floorSeconds: (before + after) / 2)
    }

    private func floor(_ path: String) throws -> Double {
        let seconds = floor_upsert(path, Pipe.table, Self.upsert, Int64(rows), 1000, floor_make_row)
        if seconds < 0 { throw Wrong("the floor failed") }
        return seconds
    }

    /// The copy holds the source's rows and no others.
    private func check(_ source: String, _ copy: String) throws {
        let database = try Database(path: source, mode: .readOnly)
        try database.execute("ATTACH \(try quotedLiteral(copy)) AS copy")
        let cells = "typeof(id), id, typeof(customer), customer, typeof(total), total, typeof(note), note, typeof(at), at"
        for (one, other) in [("main", "copy"), ("copy", "main")] {
            let different = try database.integer("SELECT count(*) FROM (SELECT \(cells) FROM \(one).orders EXCEPT SELECT \(cells) FROM \(other).orders)")
            if different != 0 { throw Wrong("\(different ?? -1) rows of \(one) differ: \(copy)") }
        }
    }
}
