import ConnectTesting
import Foundation
import SQLite
import Testing

@Suite struct DatabaseTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    func open(_ name: String = "a.db", _ mode: OpenMode = .create) throws -> Database {
        try Database(path: folder.file(name), mode: mode, busyTimeout: 0)
    }

    @Test func valuesComeBackAsTheyWereBound() throws {
        let database = try open()
        try database.execute("CREATE TABLE t (a, b, c, d, e, f, g)")
        let insert = try database.prepare("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        try insert.bind(Int64.min, at: 1)
        try insert.bind(real: 0.1 + 0.2, at: 2)
        try insert.bind(text: "e\u{301} 'q' \"d\" \0 end", at: 3)
        try insert.bind(blob: [0, 255, 1], at: 4)
        try insert.bind(text: "", at: 5)
        try insert.bind(blob: [], at: 6)
        try insert.bindNull(at: 7)
        try insert.run()
        let select = try database.prepare("SELECT * FROM t")
        #expect(select.columnNames == ["a", "b", "c", "d", "e", "f", "g"])
        #expect(try select.step())
        #expect((0..<7).map { select.type(at: $0) } == [.integer, .real, .text, .blob, .text, .blob, .null])
        #expect(select.int64(at: 0) == .min)
        #expect(select.double(at: 1).bitPattern == (0.1 + 0.2).bitPattern)
        #expect(try Array(select.text(at: 2)) == Array("e\u{301} 'q' \"d\" \0 end".utf8))
        #expect(try Array(select.blob(at: 3)) == [0, 255, 1])
        #expect(try select.text(at: 4).count == 0)
        #expect(try select.blob(at: 5).count == 0)
        #expect(try !select.step())
    }

    @Test func borrowedBytesAreBoundWithoutACopy() throws {
        let database = try open()
        let select = try database.prepare("SELECT ?1, ?2")
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 3, alignment: 1)
        defer { bytes.deallocate() }
        bytes.copyBytes(from: Array("abc".utf8))
        try select.bind(borrowedText: UnsafeRawBufferPointer(bytes), at: 1)
        try select.bind(borrowedBlob: UnsafeRawBufferPointer(bytes), at: 2)
        bytes[0] = UInt8(ascii: "x")
        #expect(try select.step())
        #expect(select.string(at: 0) == "xbc")
        #expect(try Array(select.blob(at: 1)) == Array("xbc".utf8))
        select.finalize()
    }

    @Test func aMissingFileIsNotMade() throws {
        for mode in [OpenMode.readOnly, .readWrite] {
            #expect(throws: SQLiteError.self) { try open("missing.db", mode) }
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("missing.db")))
    }

    @Test func aFileThatIsNoDatabaseSaysSo() throws {
        try Data(repeating: 7, count: 5000).write(to: URL(fileURLWithPath: folder.file("no.db")))
        let database = try open("no.db", .readOnly)
        let error = #expect(throws: SQLiteError.self) { try database.integer("PRAGMA schema_version") }
        #expect(error?.code == .notADatabase)
        #expect(error?.isDamage == true)
    }

    @Test(arguments: ["", "a\0b"]) func aPathThatIsNoneIsRefused(path: String) {
        #expect(throws: SQLiteError.self) { try Database(path: path, mode: .create) }
    }

    @Test func errorsNameFamilyCodeAndStatement() throws {
        let database = try open()
        try database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b NOT NULL UNIQUE); INSERT INTO t VALUES (1, 1)")
        let error = #expect(throws: SQLiteError.self) { try database.prepare("INSERT INTO t VALUES (2, 1)").run() }
        #expect(error?.code == .constraint)
        #expect(error?.extendedCode == 2067)
        #expect(error?.message == "UNIQUE constraint failed: t.b")
        #expect(error?.statement == "INSERT INTO t VALUES (2, 1)")
        #expect(throws: SQLiteError.self) { try database.prepare("SELECT 1; SELECT 2") }
        #expect(throws: SQLiteError.self) { try database.prepare("  -- nothing") }
        #expect(throws: SQLiteError.self) { try database.prepare("SELEC 1") }
    }

    @Test func anotherWriterMakesItBusy() throws {
        let one = try open(), other = try open()
        try one.execute("BEGIN IMMEDIATE")
        let error = #expect(throws: SQLiteError.self) { try other.execute("BEGIN IMMEDIATE") }
        #expect(error?.code == .busy)
        #expect(error?.mayPass == true)
    }

    @Test func transactionsCommitOrLeaveNothing() throws {
        let database = try open()
        try database.execute("CREATE TABLE t (a)")
        try database.transaction(.immediate) { try database.execute("INSERT INTO t VALUES (1)") }
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try database.transaction(.immediate) {
                try database.execute("INSERT INTO t VALUES (2)")
                throw Stop()
            }
        }
        #expect(!database.isInTransaction)
        #expect(try database.integer("SELECT count(*) FROM t") == 1)
        #expect(database.changes == 1)
    }

    @Test func usingWhatIsClosedFailsWithoutACrash() throws {
        let database = try open()
        let statement = try database.prepare("SELECT ?1")
        let interrupter = database.interrupter
        database.close()
        interrupter.interrupt()
        #expect(!database.isOpen)
        #expect(throws: SQLiteError.self) { try statement.step() }
        #expect(throws: SQLiteError.self) { try statement.bind(1, at: 1) }
        #expect(statement.type(at: 0) == .null)
        #expect(statement.int64(at: 0) == 0)
        #expect(try statement.text(at: 0).count == 0)
        #expect(throws: SQLiteError.self) { try database.execute("SELECT 1") }
        #expect(throws: SQLiteError.self) { try database.prepare("SELECT 1") }
        database.close()
    }

    @Test func anInterruptStopsARunningStatement() throws {
        let database = try open()
        let interrupter = database.interrupter
        let thread = Thread { while !Thread.current.isCancelled { interrupter.interrupt(); usleep(200) } }
        thread.start()
        defer { thread.cancel() }
        let error = #expect(throws: SQLiteError.self) {
            try database.integer("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
        }
        #expect(error?.code == .interrupted)
    }

    @Test func theWALStaysWhenAskedTo() throws {
        let database = try open()
        _ = try database.text("PRAGMA journal_mode = WAL")
        try database.execute("CREATE TABLE t (a)")
        try database.setNoCheckpointOnClose(true)
        database.close()
        #expect(FileManager.default.fileExists(atPath: folder.file("a.db-wal")))
        let again = try open()
        let result = try again.checkpoint(.truncate)
        #expect(result.frames == 0 && result.checkpointed == 0)
        again.close()
        #expect(!FileManager.default.fileExists(atPath: folder.file("a.db-wal")))
    }

    @Test(arguments: [("plain", "\"plain\""), ("a\"b", "\"a\"\"b\""), ("", "\"\""), ("x'; DROP TABLE t; --", "\"x'; DROP TABLE t; --\"")])
    func identifiersAreQuoted(name: String, expected: String) throws {
        #expect(try quotedIdentifier(name) == expected)
    }

    @Test func namesWithNULAreRefused() throws {
        #expect(throws: SQLiteError.self) { try quotedIdentifier("a\0b") }
        #expect(throws: SQLiteError.self) { try quotedLiteral("a\0b") }
        #expect(try quotedLiteral("it's") == "'it''s'")
    }
}
