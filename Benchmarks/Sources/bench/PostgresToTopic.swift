import CFloors
import ConnectRuntime

/// A backlog in PostgreSQL's change table into a topic of the embedded log.
struct PostgresToTopic: Benchmark {
    let rows: Int
    let name = "PostgreSQL change table → topic"
    let floorName: String? = "C: the same rows by COPY binary, append, fdatasync per 1,000"
    let target: Double? = 0.75

    private static let copy = "COPY (SELECT id, xid, ts, tbl, op, before, after FROM connectd.change ORDER BY id) TO STDOUT (FORMAT binary)"

    func measure(in folder: String) throws -> Measurement {
        let pipe = try PostgresPipe(folder: folder)
        try pipe.makeBacklog(rows: rows)
        // Before and after, so that whatever else the machine does meanwhile slows both.
        let before = try floor(pipe)
        let seconds = try pipe.fillTopic(rows: rows)
        let after = try floor(pipe)
        try pipe.worker.run([]) { log in try ChangeCheck.check(log, PostgresPipe.topic.topic, rows: rows) }
        return Measurement(records: rows, seconds: seconds, floorSeconds: (before + after) / 2)
    }

    private func floor(_ pipe: PostgresPipe) throws -> Double {
        var count: Int64 = 0
        let seconds = floor_copy_and_append(pipe.url, Self.copy, pipe.worker.folder + "/floor", 1000, &count)
        if seconds < 0 || count != rows { throw Wrong("the floor failed after \(count) rows") }
        return seconds
    }
}
