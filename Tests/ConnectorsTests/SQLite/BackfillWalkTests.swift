import ConnectRuntime
import ConnectTesting
import Connectors
import Foundation
import SQLite
import Testing

@Suite(.serialized) struct BackfillWalkTests {
    let folder: TemporaryFolder
    let database: Database
    init() throws {
        folder = try TemporaryFolder()
        database = try folder.makeSource()
    }

    func source(_ context: TestSourceContext = TestSourceContext()) throws -> SourceRun {
        try SourceRun(
            "SqliteSource",
            ConfigMap([
                "connection.url": "sqlite:\(folder.file("source.db"))", "topic.prefix": "p", "batch.max.rows": "2", "message.key.columns": "t:n",
            ]), context: context)
    }

    func count(_ run: SourceRun) throws -> Int {
        run.context.wakeUp.set()
        var count = 0
        while true {
            let batch = try run.poll()
            if batch.isEmpty { return count }
            count += batch.count
        }
    }

    @Test(arguments: ["", " WITHOUT ROWID"]) func reachesRowsBehindANullInThePrimaryKey(option: String) throws {
        try database.execute("CREATE TABLE t (a INT, b INT, n INT NOT NULL, PRIMARY KEY (a, b))\(option)")
        let isNullable = option.isEmpty
        for number in 1...9 { try database.execute("INSERT INTO t VALUES (1, \(isNullable && number < 8 ? "NULL" : "\(number)"), \(number))") }
        let run = try source()
        try run.start()
        #expect(try count(run) == 9)
        run.stop()
    }

    @Test(arguments: [#"{"seq":0,"shape":1,"backfill":"[5]"}"#, #"{"seq":0,"shape":1,"backfill":"[1,7]"}"#])
    func aPlaceInAnotherOrderStartsOver(offset: String) throws {
        try database.execute("CREATE TABLE t (a INT, n INT NOT NULL, PRIMARY KEY (a))")
        for number in 1...9 { try database.execute("INSERT INTO t VALUES (\(10 - number), \(number))") }
        let context = TestSourceContext()
        context.offsets[SourcePartition([("table", .string("t"))])] = SourceOffset(storedJSON: Array(offset.utf8))
        let run = try source(context)
        try run.start()
        #expect(try count(run) == 9)
        run.stop()
    }

    @Test func goesOnByRowidAfterARestart() throws {
        try database.execute("CREATE TABLE t (a TEXT PRIMARY KEY, n INT NOT NULL)")
        for number in 1...9 { try database.execute("INSERT INTO t VALUES ('\(9 - number)', \(number))") }
        let run = try source()
        try run.start()
        run.context.wakeUp.set()
        #expect(try run.poll().count == 2)
        run.stop()
        let again = try source(run.context)
        try again.start()
        #expect(try count(again) == 7)
        again.stop()
    }
}
