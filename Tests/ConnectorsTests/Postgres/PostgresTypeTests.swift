import ConnectRuntime
import ConnectTesting
import Postgres
import PostgresTesting
import Testing

/// Every type with extreme values, as a row that was there and as a change: both must say the same.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresTypeTests {
    struct Case: Sendable {
        let type: String
        let literal: String
        let value: Value
        init(_ type: String, _ literal: String, _ value: Value) {
            self.type = type
            self.literal = literal
            self.value = value
        }
    }

    static let cases: [Case] = [
        Case("boolean", "true", .boolean(true)), Case("boolean", "false", .boolean(false)),
        Case("smallint", "-32768", .int16(.min)), Case("smallint", "32767", .int16(.max)),
        Case("integer", "-2147483648", .int32(.min)), Case("integer", "2147483647", .int32(.max)),
        Case("bigint", "-9223372036854775808", .int64(.min)), Case("bigint", "9223372036854775807", .int64(.max)),
        Case("oid", "4294967295", .int64(4_294_967_295)),
        Case("real", "3.4028235e38", .float32(.greatestFiniteMagnitude)), Case("real", "'NaN'", .float32(.nan)), Case("real", "1e-45", .float32(.leastNonzeroMagnitude)),
        Case("double precision", "0.1::float8 + 0.2::float8", .float64(0.1 + 0.2)), Case("double precision", "'-Infinity'", .float64(-.infinity)),
        Case("double precision", "1.7976931348623157e308", .float64(.greatestFiniteMagnitude)), Case("double precision", "5e-324", .float64(.leastNonzeroMagnitude)),
        Case("numeric(10,2)", "-12345678.90", .decimal(Decimal(-1_234_567_890, scale: 2))), Case("numeric(5,0)", "7", .decimal(Decimal(7))),
        Case("numeric(38,10)", "'1234567890123456789012345678.0123456789'", .decimal(Decimal("1234567890123456789012345678.0123456789") ?? Decimal(0))),
        Case("money", "'-1234.56'", .string("-1234.56")),
        Case("text", "E'a\\n\\t\"\\\\ \\u00e9\\u0001\\U0001F600'", .string("a\n\t\"\\ \u{e9}\u{1}\u{1F600}")), Case("text", "''", .string("")),
        Case("varchar(3)", "'abc'", .string("abc")), Case("char(5)", "'ab'", .string("ab   ")), Case("name", "'n'", .string("n")),
        Case("\"char\"", "'x'", .string("x")),
        Case("bytea", "'\\x00ff5c2722'", .bytes([0, 255, 0x5C, 0x27, 0x22])), Case("bytea", "''", .bytes([])),
        Case("bit(1)", "B'1'", .boolean(true)), Case("bit(10)", "B'1000000001'", .bytes([1, 2])), Case("varbit(8)", "B'0010'", .string("0010")),
        Case("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", .string("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        Case("jsonb", "'{\"b\": [1, null, \"x\\\"\"], \"a\": 1.50}'", .string("{\"a\": 1.50, \"b\": [1, null, \"x\\\"\"]}")),
        Case("json", "'[1,  2]'", .string("[1, 2]")), Case("xml", "'<a b=\"1\">x</a>'", .string("<a b=\"1\">x</a>")),
        Case("date", "'2024-02-29'", .date(19782)), Case("date", "'0044-03-15 BC'", .date(-735_160)), Case("date", "'5874897-12-31'", .date(2_145_042_905)),
        Case("date", "'infinity'", .date(.max)), Case("date", "'-infinity'", .date(.min)),
        Case("time", "'24:00:00'", .int64(86_400_000_000)), Case("time", "'12:34:56.789012'", .int64(45_296_789_012)),
        Case("timetz", "'12:34:56.7+02'", .string("12:34:56.7+02")),
        Case("timestamp", "'2024-02-29 12:34:56.789012'", .int64(1_709_210_096_789_012)), Case("timestamp", "'1969-12-31 23:59:59.999999'", .int64(-1)),
        Case("timestamp", "'4713-01-01 00:00:00 BC'", .int64(-210_863_520_000_000_000)), Case("timestamp", "'infinity'", .int64(9_223_372_036_825_200_000)),
        Case("timestamptz", "'2024-02-29 12:34:56.789012+05'", .string("2024-02-29T07:34:56.789012Z")), Case("timestamptz", "'-infinity'", .string("-infinity")),
        Case("timestamptz", "'0044-03-15 00:00:00+00 BC'", .string("0044-03-15T00:00:00+00:00 BC")),
        Case("interval", "'1 year 2 mons -3 days 04:05:06.789'", .string("P1Y2M-3DT4H5M6.789S")),
        Case("inet", "'2001:db8::1/64'", .string("2001:db8::1/64")), Case("cidr", "'10.0.0.0/8'", .string("10.0.0.0/8")),
        Case("macaddr", "'08:00:2b:01:02:03'", .string("08:00:2b:01:02:03")), Case("int4range", "'[1,5)'", .string("[1,5)")),
        Case("pg_lsn", "'16/B374D848'", .string("16/B374D848")), Case("xid8", "'18446744073709551615'", .string("18446744073709551615")),
        Case("point", "'(1.5,-2)'", .string("(1.5,-2)")), Case("tsvector", "'a b'::tsvector", .string("'a' 'b'")),
        Case("mood", "'so \"so\"'", .string("so \"so\"")), Case("positive", "5", .int32(5)),
        Case("int[]", "'{1,NULL,-3}'", .array([.int32(1), .null, .int32(-3)])), Case("text[]", "ARRAY['a\"b', 'NULL', NULL]", .array([.string("a\"b"), .string("NULL"), .null])),
        Case("int[][]", "'{{1,2},{3,4}}'", .array([.array([.int32(1), .int32(2)]), .array([.int32(3), .int32(4)])])), Case("int[]", "'{}'", .array([])),
        Case("bytea[]", "ARRAY['\\x00'::bytea]", .array([.bytes([0])])), Case("numeric(4,1)[]", "'{1.5}'", .array([.decimal(Decimal(15, scale: 1))])),
        Case("jsonb[]", "ARRAY['[1]'::jsonb]", .array([.string("[1]")])), Case("timestamp[]", "ARRAY['1970-01-01 00:00:01'::timestamp]", .array([.int64(1_000_000)])),
    ]

    @Test func everyTypeIsDeliveredWhole() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TYPE mood AS ENUM ('sad', 'so \"so\"'); CREATE DOMAIN positive AS int CHECK (VALUE > 0)")
            let columns = Self.cases.enumerated().map { "c\($0) \($1.type)" }.joined(separator: ", ")
            let values = Self.cases.map(\.literal).joined(separator: ", ")
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY, \(columns), n numeric); INSERT INTO t VALUES (1, \(values), 1.500)")
            let source = try run.source()
            try source.start()
            // The writer's own settings must not show in the images.
            try run.sql.execute(
                "SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SET IntervalStyle = 'postgres_verbose'; SET bytea_output = 'escape'; SET extra_float_digits = -3")
            let rows = try source.live(1)
            try source.settle()
            try run.sql.execute("UPDATE t SET id = 1")
            try run.sql.execute("INSERT INTO t (id) VALUES (2)")
            let changes = try source.live(2)
            #expect(rows.count == 1 && changes.count == 2)
            for (index, expected) in Self.cases.enumerated() {
                for record in rows + changes.prefix(1) {
                    let value = record.column(Name("c\(index)"))
                    #expect(value == expected.value, "\(expected.type) \(expected.literal)")
                }
                #expect(changes.last?.column(Name("c\(index)")) == .null)
            }
            guard case .structure(let number)? = rows.first?.column("n") else { throw ServerProblem("no variable decimal") }
            #expect(number.values == [.int32(3), .bytes([0x05, 0xDC])])
            source.stop()
        }
    }

    @Test func daysAndMicrosecondsAreTheServers() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute(
                """
                CREATE TABLE t (id int PRIMARY KEY, d date, s timestamp);
                INSERT INTO t SELECT i, date '4713-01-01 BC' + i * 53017, timestamp '4713-01-01 BC' + i * interval '2683 days 7 hours 1.234567 seconds' FROM generate_series(0, 10000) i
                """)
            let source = try run.source()
            try source.start()
            let rows = try source.live(10_001)
            let result = try run.sql.execute("SELECT d - date '1970-01-01', (extract(epoch FROM s) * 1000000)::numeric(30,0) FROM t ORDER BY id")
            for (row, record) in rows.enumerated() where row < result.rowCount {
                #expect(record.column("d") == result.integer(row, 0).flatMap { Int32(exactly: $0) }.map { .date($0) })
                #expect(record.column("s") == result.integer(row, 1).map { .int64($0) })
            }
            #expect(rows.count == 10_001)
            source.stop()
        }
    }

    @Test(arguments: [
        ("numeric", "'NaN'", "decimal.special"), ("numeric(3,0)", "'NaN'", "decimal.special"), ("timestamp", "'294276-12-31'", "temporal"),
    ]) func whatFitsNowhereIsRefusedByName(type: String, literal: String, word: String) async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY, \"the column\" \(type)); INSERT INTO t VALUES (1, \(literal))")
            let source = try run.source()
            try source.start()
            let error = #expect(throws: ConnectError.self) { try source.settle() }
            #expect(error?.kind == .fatal)
            #expect(error?.message.contains("the column") == true && error?.message.contains("public.t") == true)
            source.stop()
        }
    }

    @Test func namesOfEveryKindAreJustNames() async throws {
        try await onThread {
            let run = try PostgresRun()
            let names = ["a\"; DROP TABLE x; --", "t", "select", "Ünïcode", "with.dot", "with space", "back\\slash", "new\nline", "o'hara", "$1", "%s"]
            for (index, name) in names.enumerated() {
                let schema = Quoting.identifier("s\(index) \(name)"), quoted = Quoting.identifier(name)
                let other = name == "t" ? "u" : "t"
                try run.sql.execute("CREATE SCHEMA \(schema); CREATE TABLE \(schema).\(quoted) (\(quoted) int PRIMARY KEY, \(other) int)")
                try run.sql.execute("INSERT INTO \(schema).\(quoted) VALUES (1, 2)")
            }
            let source = try run.source()
            try source.start()
            let rows = try source.live(names.count)
            try source.settle()
            #expect(rows.count == names.count)
            for (index, name) in names.enumerated() {
                let quoted = Quoting.identifier(name)
                try run.sql.execute("UPDATE \(Quoting.identifier("s\(index) \(name)")).\(quoted) SET \(quoted) = 5")
                let changes = try source.live(3)
                #expect(changes.map { $0.op ?? "-" } == ["d", "-", "c"])
                #expect(changes.last?.keyColumn(Name(name)) == .int32(5))
                #expect(changes.last?.topic == rows.first { $0.keyColumn(Name(name)) == .int32(1) }?.topic)
            }
            source.stop()
        }
    }

    @Test func aTableThatIsAlteredGoesOn() async throws {
        try await onThread {
            let run = try PostgresRun()
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL); INSERT INTO t VALUES (1, 1)")
            let source = try run.source()
            try source.start()
            try source.settle()
            try run.sql.execute(
                """
                INSERT INTO t VALUES (2, 2); ALTER TABLE t ADD COLUMN b text NOT NULL DEFAULT 'd'; INSERT INTO t VALUES (3, 3, 'x');
                ALTER TABLE t DROP COLUMN a; INSERT INTO t VALUES (4, 'y'); ALTER TABLE t ALTER COLUMN id TYPE bigint; INSERT INTO t VALUES (5000000000, 'z')
                """)
            let records = try source.live(4)
            #expect(records.map { $0.column("b") } == [nil, .string("x"), .string("y"), .string("z")])
            #expect(records.map { $0.keyColumn("id") }.last == .int64(5_000_000_000))
            try run.sql.execute("ALTER TABLE t RENAME COLUMN b TO c; UPDATE t SET c = 'w' WHERE id = 2; CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1)")
            let later = try source.live(2)
            #expect(later.first?.column("c") == .string("w"))
            #expect(later.last?.topic == "t.public.u")
            source.stop()
        }
    }
}
