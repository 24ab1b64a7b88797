import ConnectRuntime
import ConnectTesting
import Connectors
import SQLite
import Testing

/// Rows that are large: a page of them gets offsets inside, so that the worker can end a transaction there.
@Suite(.serialized) struct LargeRowTests {
    let folder: TemporaryFolder
    let database: Database
    init() throws {
        folder = try TemporaryFolder()
        database = try folder.makeSource()
        try database.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY, picture BLOB)")
    }

    private func source(_ context: TestSourceContext = TestSourceContext()) throws -> SourceRun {
        try SourceRun(
            "SqliteSource",
            ConfigMap(["connection.url": "sqlite:\(folder.file("source.db"))", "topic.prefix": "p", "batch.max.bytes": "67108864"]), context: context)
    }

    private func keys(_ entries: some Sequence<RecordBatch.Entry>) -> [Int64] {
        entries.compactMap { entry in
            guard case .structure(let key) = entry.record.key, case .int64(let id)? = key.values.first else { return nil }
            return id
        }
    }

    @Test(arguments: [false, true]) func aPageCanBeLeftInTheMiddle(isBackfill: Bool) throws {
        let run = try source()
        if !isBackfill { try run.start() }
        for id in 1...12 { try database.execute("INSERT INTO photos VALUES (\(id), zeroblob(400000))") }
        if isBackfill { try run.start() }
        run.context.wakeUp.set()
        var batch = try run.pollWithoutStoring()
        while batch.count < 12 {
            let more = try run.pollWithoutStoring()
            if more.isEmpty { break }
            batch.entries += more.entries
        }
        #expect(keys(batch.entries) == Array(1...12))
        let covered = batch.entries.indices.filter { index in
            if case .source(let origin) = batch.entries[index].origin { origin.offset != nil } else { false }
        }
        // A megabyte is three of them.
        #expect(covered == [2, 5, 8, 11])
        for index in covered {
            let context = TestSourceContext()
            context.store(RecordBatch(Array(batch.entries[...index])))
            let again = try source(context)
            try again.start()
            context.wakeUp.set()
            var rest: [RecordBatch.Entry] = []
            while true {
                let more = try again.poll()
                if more.isEmpty { break }
                rest += more.entries
            }
            #expect(keys(rest) == Array((Int64(index) + 2)..<13))
            again.stop()
        }
        run.stop()
    }
}
