import CFloors
import ConnectRuntime
import Postgres

/// A topic of change records into a PostgreSQL table, exactly once: rows and position in one transaction.
struct TopicToPostgres: Benchmark {
    let rows: Int
    let name = "topic → PostgreSQL"
    let floorName: String? = "C: COPY into a staging table, upsert from it, commits as large as ours"
    let target: Double? = 0.85

    func measure(in folder: String) throws -> Measurement {
        let pipe = try PostgresPipe(folder: folder)
        try pipe.makeBacklog(rows: rows)
        _ = try pipe.fillTopic(rows: rows)
        // A first copy, not measured, tells how many rows our transactions hold.
        _ = try pipe.fillCopy("trial", rows: rows)
        let transactions = Int(try pipe.sql.execute("SELECT count(DISTINCT xmin::text) FROM trial.orders").integer(0, 0) ?? 1)
        let rowsPerCommit = (rows + transactions - 1) / max(1, transactions)
        // Before and after, so that whatever else the machine does meanwhile slows both.
        let before = try floor(pipe, "floor_before", rowsPerCommit)
        let seconds = try pipe.fillCopy("mirror", rows: rows)
        let after = try floor(pipe, "floor_after", rowsPerCommit)
        for copy in ["mirror", "floor_after"] { try check(pipe, copy) }
        return Measurement(records: rows, seconds: seconds, floorSeconds: (before + after) / 2)
    }

    private func floor(_ pipe: PostgresPipe, _ schema: String, _ rowsPerCommit: Int) throws -> Double {
        try pipe.sql.execute("CREATE SCHEMA \(schema); CREATE TABLE \(schema).orders (\(PostgresPipe.columns))")
        let stage = "CREATE TEMPORARY TABLE IF NOT EXISTS stage (id bigint, customer text, total double precision, note text, at bigint) ON COMMIT DELETE ROWS"
        let upsert = """
            INSERT INTO \(schema).orders (id, customer, total, note, at) SELECT id, customer, total, note, at FROM stage ON CONFLICT (id) DO UPDATE SET
                customer = excluded.customer, total = excluded.total, note = excluded.note, at = excluded.at
            """
        let seconds = floor_stage_and_upsert(pipe.url, stage, "COPY stage FROM STDIN", upsert, Int64(rows), Int64(rowsPerCommit), floor_make_row)
        if seconds < 0 { throw Wrong("the floor failed") }
        return seconds
    }

    /// The copy holds the source's rows and no others.
    private func check(_ pipe: PostgresPipe, _ schema: String) throws {
        let cells = "id, customer, total, note, at"
        for (one, other) in [("public", schema), (schema, "public")] {
            let sql = "SELECT count(*) FROM (SELECT \(cells) FROM \(one).orders EXCEPT ALL SELECT \(cells) FROM \(other).orders) d"
            let different = try pipe.sql.execute(sql).integer(0, 0)
            if different != 0 { throw Wrong("\(different ?? -1) rows of \(one).orders are not in \(other).orders") }
        }
    }
}
