import ConnectRuntime
import ConnectTesting
import Connectors
import Postgres
import PostgresTesting
import Testing

/// Columns that are added, widened and retyped under a running source, in each way of reading tables.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresRetypeTests {
    static let modes: [(name: String, settings: KeyValuePairs<Name, String>)] = [
        ("changes", [:]), ("fence", ["mode": "fence", "table.include.list": "public.t"]), ("events", ["capture": "events", "table.include.list": "public.t"]),
    ]

    /// A column before and after, a value of each time as SQL, and what is delivered.
    struct Widening: Sendable, CustomStringConvertible {
        let from: String, to: String
        let old: String, new: String
        let delivered: Value
        var description: String { "\(from) to \(to)" }
    }
    static let widenings = [
        Widening(from: "smallint", to: "int", old: "32767", new: "2147483647", delivered: .int32(2_147_483_647)),
        Widening(from: "int", to: "bigint", old: "1", new: "9223372036854775807", delivered: .int64(.max)),
        Widening(from: "int", to: "numeric(20,2)", old: "1", new: "1.25", delivered: .decimal(Decimal(125, scale: 2))),
        Widening(from: "real", to: "double precision", old: "1.5", new: "0.1", delivered: .float64(0.1)),
        Widening(from: "numeric(5,2)", to: "numeric(12,4)", old: "1.25", new: "1.0625", delivered: .decimal(Decimal(10625, scale: 4))),
        Widening(from: "varchar(3)", to: "text", old: "'abc'", new: "'abcdef'", delivered: .string("abcdef")),
        Widening(from: "char(3)", to: "varchar(10)", old: "'abc'", new: "'abcdef'", delivered: .string("abcdef")),
        Widening(from: "timestamp(0)", to: "timestamp(6)", old: "'1970-01-01 00:00:01'", new: "'1970-01-01 00:00:00.000001'", delivered: .int64(1)),
        Widening(from: "json", to: "jsonb", old: "'[1]'", new: "'[2]'", delivered: .string("[2]")),
        Widening(from: "int[]", to: "bigint[]", old: "'{1}'", new: "'{9223372036854775807}'", delivered: .array([.int64(.max)])),
        Widening(from: "mood", to: "text", old: "'sad'", new: "'so'", delivered: .string("so")),
    ]

    /// The rows before the change may be read before or after it: their images go with either type.
    @Test(arguments: modes.indices) func columnsAreWidened(mode: Int) async throws {
        try await onThread {
            let run = try PostgresRun(), all = Self.widenings
            func each(_ text: (Int, Widening) -> String) -> String { all.enumerated().map { text($0, $1) }.joined(separator: ", ") }
            try run.sql.execute("CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (id bigserial PRIMARY KEY, \(each { "v\($0) \($1.from)" }))")
            let source = try run.source(Self.modes[mode].settings), names = each { index, _ in "v\(index)" }
            try source.start()
            try source.settle()
            try run.sql.execute(
                """
                INSERT INTO t (\(names)) VALUES (\(each { $1.old })); INSERT INTO t DEFAULT VALUES;
                ALTER TABLE t ADD COLUMN more text DEFAULT 'd', \(each { "ALTER COLUMN v\($0) TYPE \($1.to) USING v\($0)::\($1.to)" });
                INSERT INTO t (\(names)) VALUES (\(each { $1.new }))
                """)
            let records = try source.live(3)
            #expect(records.map { $0.keyColumn("id") } == [.int64(1), .int64(2), .int64(3)])
            // Nothing of it is left behind: what comes next has the new types at once.
            try run.sql.execute("INSERT INTO t (\(names)) VALUES (\(each { $1.new }))")
            let last = try source.live(1)
            for (index, widening) in all.enumerated() where records.count == 3 {
                let column = Name("v\(index)")
                #expect(records[0].column(column)?.isNull == false, "\(widening)")
                #expect(records[1].column(column)?.isNull == true, "\(widening)")
                #expect(records[2].column(column) == widening.delivered, "\(widening)")
                #expect(last.first?.column(column) == widening.delivered, "\(widening)")
            }
            #expect(records.last?.column("more") == .string("d"))
            source.stop()
        }
    }

    /// A type that old images do not fit is named with the column and what to do, and what was delivered before stays delivered.
    @Test func aColumnThatOldImagesDoNotFitIsNamed() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id bigserial PRIMARY KEY, v text)")
            let source = try run.source()
            try source.start()
            try source.settle()
            source.stop()
            try run.sql.execute("INSERT INTO t (v) VALUES ('seven'); ALTER TABLE t ALTER COLUMN v TYPE int USING 7")
            try source.start()
            let error = #expect(throws: ConnectError.self) { try source.settle() }
            #expect(error?.code == "postgres.source.value")
            #expect(error?.message.contains("column v") == true && error?.suggestion?.contains("reset the connector's offsets") == true, "\(error?.message ?? "")")
            source.stop()
        }
    }
}
