import CFloors
import ConnectRuntime

/// A backlog in a SQLite change table into a topic of the embedded log.
struct ChangeTableToTopic: Benchmark {
    let rows: Int
    let name = "SQLite change table → topic"
    let floorName: String? = "C: step the same SELECT, append, fdatasync per 1,000"
    let target: Double? = 0.4

    private static let select = """
        SELECT seq, op, at, k_id, b_id, b_customer, b_total, b_note, b_at, a_id, a_customer, a_total, a_note, a_at FROM connectd_orders WHERE seq > 0 ORDER BY seq
        """

    func measure(in folder: String) throws -> Measurement {
        let pipe = try Pipe(folder: folder, rows: rows)
        // Before and after, so that whatever else the machine does meanwhile slows both.
        let before = try floor(pipe)
        let seconds = try pipe.fillTopic()
        let after = try floor(pipe)
        try pipe.worker.run([]) { log in try ChangeCheck.check(log, Pipe.topic.topic, rows: rows) }
        return Measurement(records: rows, seconds: seconds, floorSeconds: (before + after) / 2)
    }

    private func floor(_ pipe: Pipe) throws -> Double {
        var count: Int64 = 0
        let seconds = floor_read_and_append(pipe.sourceFile, Self.select, pipe.folder + "/floor", 1000, &count)
        if seconds < 0 || count != rows { throw Wrong("the floor failed after \(count) rows") }
        return seconds
    }
}
