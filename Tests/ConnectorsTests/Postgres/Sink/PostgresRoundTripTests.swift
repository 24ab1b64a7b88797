import ConnectRuntime
import ConnectTesting
import Connectors
import Postgres
import PostgresTesting
import SQLite
import Testing

/// Every type with extreme values from PostgreSQL through the bytes of a topic into PostgreSQL and into SQLite.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresRoundTripTests {
    static let cases: [(type: String, literals: [String])] = [
        ("boolean", ["true", "false"]), ("smallint", ["-32768", "32767"]), ("integer", ["-2147483648", "2147483647"]),
        ("bigint", ["-9223372036854775808", "9223372036854775807"]), ("oid", ["4294967295"]), ("real", ["3.4028235e38", "'NaN'", "1e-45", "'-Infinity'", "-0.0"]),
        ("double precision", ["0.1::float8 + 0.2::float8", "'-Infinity'", "'Infinity'", "'NaN'", "1.7976931348623157e308", "5e-324"]),
        ("numeric(10,2)", ["-12345678.90", "0.10"]), ("numeric(5,0)", ["7"]), ("numeric(38,10)", ["'1234567890123456789012345678.0123456789'"]),
        ("numeric(5,-2)", ["12300"]), ("numeric", ["'1.500'", "'1e100'", "'-0.000000000000000000000000000001'", "0"]), ("money", ["'-1234.56'", "'92233720368547758.07'"]),
        ("text", ["E'a\\n\\t\\r\"\\\\ \\u00e9\\u0001\\U0001F600'", "''", "'\\N'", "'\\.'", "'NULL'", "'{a,b}'", "E'e\\u0301'"]), ("varchar(3)", ["'abc'"]), ("char(5)", ["'ab'"]), ("name", ["'n'"]), ("\"char\"", ["'x'"]),
        ("bytea", ["'\\x00ff5c2722'", "''", "decode(repeat('00', 5000), 'hex')"]), ("bit(1)", ["B'1'", "B'0'"]), ("bit(10)", ["B'1000000001'"]), ("varbit(8)", ["B'0010'", "B''"]),
        ("uuid", ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"]), ("jsonb", ["'{\"b\": [1, null, \"x\\\"\"], \"a\": 1.50}'", "'\"text\"'", "'12'", "'[]'", "'false'"]), ("json", ["'[1, 2]'"]), ("xml", ["'<a b=\"1\">x</a>'"]),
        ("date", ["'2024-02-29'", "'0044-03-15 BC'", "'5874897-12-31'", "'4713-01-01 BC'", "'infinity'", "'-infinity'", "'0001-01-01'", "'0001-12-31 BC'"]),
        ("time", ["'24:00:00'", "'12:34:56.789012'", "'00:00:00.000001'"]), ("time(0)", ["'01:02:03'"]), ("timetz", ["'12:34:56.7+02'", "'24:00:00-15:59'"]),
        ("timestamp", ["'2024-02-29 12:34:56.789012'", "'1969-12-31 23:59:59.999999'", "'4713-01-01 00:00:00 BC'", "'294246-12-31 23:59:59.999999'", "'infinity'", "'-infinity'", "'0001-12-31 23:59:59.5 BC'"]),
        ("timestamp(3)", ["'2024-02-29 12:34:56.789'"]),
        ("timestamptz", ["'2024-02-29 12:34:56.789012+05'", "'-infinity'", "'infinity'", "'0044-03-15 00:00:00+00 BC'", "'294276-12-31 23:59:59.999999+00'", "'4713-01-01 00:00:00+00 BC'"]),
        ("interval", ["'1 year 2 mons -3 days 04:05:06.789'", "'-178000000 years'", "'0'", "'178000000 years 11 mons 2147483647 days'"]),
        ("inet", ["'2001:db8::1/64'"]), ("cidr", ["'10.0.0.0/8'"]), ("macaddr", ["'08:00:2b:01:02:03'"]), ("int4range", ["'[1,5)'", "'empty'"]), ("tstzrange", ["'[2024-01-01 00:00:00+00,)'"]),
        ("int4multirange", ["'{[1,3),[5,7)}'"]), ("pg_lsn", ["'16/B374D848'"]), ("xid8", ["'18446744073709551615'"]), ("point", ["'(1.5,-2)'"]), ("box", ["'(3,4),(1,2)'"]), ("path", ["'[(0,0),(1,1)]'"]),
        ("circle", ["'<(0,0),1>'"]), ("line", ["'{1,-1,0}'"]), ("polygon", ["'((0,0),(1,1),(1,0))'"]), ("tsvector", ["'a b'::tsvector"]), ("tsquery", ["'a & b'::tsquery"]),
        ("mood", ["'so \"so\"'", "'sad'"]), ("positive", ["5"]), ("pair", ["ROW(1, 'a \"b\\, (c)')::pair", "ROW(NULL, '')::pair"]), ("mood[]", ["ARRAY['sad', NULL]::mood[]"]),
        ("int[]", ["'{1,NULL,-3}'", "'{}'"]), ("int[][]", ["'{{1,2},{3,4}}'"]), ("text[]", ["ARRAY['a\"b', 'NULL', NULL, '', E'\\\\', 'x,y', '{}', ' ']"]), ("bytea[]", ["ARRAY['\\x00'::bytea, NULL]"]), ("numeric(4,1)[]", ["'{1.5,-999.9}'"]),
        ("jsonb[]", ["ARRAY['[1]'::jsonb, '\"x\"', '{\"a\": \"b\"}']"]), ("timestamp[]", ["ARRAY['1970-01-01 00:00:01'::timestamp, 'infinity']"]), ("pair[]", ["ARRAY[ROW(1, 'x')::pair, NULL]"]),
        ("float8[]", ["'{NaN,Infinity,0.1}'"]), ("boolean[]", ["'{t,f,NULL}'"]), ("date[]", ["'{2024-02-29,infinity}'"]), ("uuid[]", ["'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'"]),
        ("hstore", ["'a=>1, \"b\\\"\"=>NULL, c=>\"\"'", "''"]),
    ]
    static let types = "CREATE EXTENSION hstore; CREATE TYPE mood AS ENUM ('sad', 'so \"so\"'); CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TYPE pair AS (a int, \"b c\" text);"

    /// What JSON without schema loses: fractions are doubles, and nothing tells a document of texts from a text of documents.
    static func isLostWithoutSchema(_ type: String, _ literal: String) -> Bool {
        type == "numeric(38,10)" || type == "varbit(8)" && literal.isEmpty
    }

    struct Form: Sendable, CustomTestStringConvertible {
        let isEnvelope: Bool
        let hasSchemas: Bool
        let makesTable: Bool
        var testDescription: String { "\(isEnvelope ? "envelope" : "flat"), \(hasSchemas ? "with" : "without") schemas, \(makesTable ? "table made" : "table there")" }
    }
    static let forms = [
        Form(isEnvelope: true, hasSchemas: true, makesTable: true), Form(isEnvelope: false, hasSchemas: true, makesTable: true),
        Form(isEnvelope: true, hasSchemas: true, makesTable: false), Form(isEnvelope: false, hasSchemas: true, makesTable: false),
        Form(isEnvelope: true, hasSchemas: false, makesTable: false), Form(isEnvelope: false, hasSchemas: false, makesTable: false),
    ]

    /// Through the bytes that a topic would hold.
    static func throughJSON(_ records: [Record], hasSchemas: Bool) throws -> [Record] {
        func converter(_ role: ConverterContext.Role) throws -> any Converter {
            let plugin = try #require(PluginCatalogue(BuiltInConverters.plugins).find("JsonConverter") { $0 == .converter })
            guard case .converter(let make) = plugin.factory else { throw ServerProblem("no converter") }
            let converter = make()
            try converter.configure(try plugin.definition.parsed(ConfigMap(["schemas.enable": hasSchemas ? "true" : "false", "decimal.format": hasSchemas ? "BASE64" : "NUMERIC"])), context: ConverterContext(role: role))
            return converter
        }
        let keys = try converter(.key), values = try converter(.value)
        func pass(_ converter: any Converter, _ topic: Name, _ schema: Schema?, _ value: Value) throws -> SchemaAndValue {
            var buffer = ByteBuffer(), headers: [RawHeader] = []
            guard try converter.serialize(topic: topic, headers: &headers, schema: schema, value: value, into: &buffer) else { return .null }
            return try converter.deserialize(topic: topic, headers: headers, bytes: ByteSlice(buffer.bytes))
        }
        return try records.map { record in
            var copy = record
            let key = try pass(keys, record.topic, record.keySchema, record.key), value = try pass(values, record.topic, record.valueSchema, record.value)
            (copy.keySchema, copy.key, copy.valueSchema, copy.value) = (key.schema, key.value, value.schema, value.value)
            return copy
        }
    }

    @Test(arguments: forms) func everyTypeComesOutAsItWentIn(form: Form) async throws {
        try await onThread {
            let run = try PostgresRun(), target = try PostgresTarget()
            try run.sql.execute(Self.types)
            try target.sql.execute(Self.types)
            let all = Self.cases.flatMap { one in one.literals.map { (one.type, $0) } }.filter { form.hasSchemas || !Self.isLostWithoutSchema($0.0, $0.1) }
            var columns = all.enumerated().map { "c\($0) \($1.0)" }.joined(separator: ", ")
            columns = "CREATE TABLE t (id int PRIMARY KEY, \(columns))"
            try run.sql.execute(columns + "; INSERT INTO t VALUES (1, \(all.map(\.1).joined(separator: ", ")))")
            if !form.makesTable { try target.sql.execute(columns) }
            let source = try run.source(["value.shape": form.isEnvelope ? "envelope" : "flat"])
            try source.start()
            var records = try source.live(1)
            try source.settle()
            try run.sql.execute("INSERT INTO t (id) VALUES (2); UPDATE t SET id = 3 WHERE id = 1; INSERT INTO t SELECT * FROM t WHERE false")
            records += try source.live(form.isEnvelope ? 4 : 3)
            source.stop()
            let topic = TestTopic("t.public.t")
            topic.records = try Self.throughJSON(records, hasSchemas: form.hasSchemas)
            // Without a source block in the row nothing but the topic's name says which table is meant.
            let sink = PostgresSinkRun(target.url, ["table.name.format": "t"])
            try sink.write(topic)
            #expect(sink.reporter.letters.map(\.error) == [])
            // Bits of varying length and numbers of every kind compare by their text.
            let source2 = try run.sql.execute("SELECT * FROM t ORDER BY id"), copy = try target.sql.execute("SELECT * FROM t ORDER BY id")
            #expect(copy.rowCount == 2)
            for (index, (type, literal)) in all.enumerated() where copy.rowCount == 2 {
                for row in 0..<2 { let (found, wanted) = (copy.text(row, index + 1), source2.text(row, index + 1))
                    #expect(found == wanted, "\(type) \(literal)") }
            }
            if form.makesTable {
                for (index, (type, literal)) in all.enumerated() where !["char(5)", "name", "\"char\"", "varchar(3)"].contains(type) {
                    let made = try target.text("SELECT pg_typeof(c\(index)) FROM t LIMIT 1") ?? "", wanted = try run.sql.execute("SELECT pg_typeof(c\(index)) FROM t LIMIT 1").text(0, 0) ?? ""
                    if let other = ["oid": "bigint", "positive": "integer"][type] { #expect(made == other) } else { #expect(made == wanted, "\(type) \(literal)") }
                }
            }
        }
    }

    /// What SQLite holds of each: its own kinds of values, with nothing lost but NaN, which it cannot store and which is refused.
    static let inSQLite: [(type: String, literal: String, stored: String)] = [
        ("boolean", "true", "integer 1"), ("smallint", "-32768", "integer -32768"), ("bigint", "-9223372036854775808", "integer -9223372036854775808"),
        ("real", "1.5", "real 1.5"), ("double precision", "'Infinity'", "real Inf"), ("double precision", "5e-324", "real 4.94065645841247e-324"),
        ("numeric(38,10)", "'1234567890123456789012345678.0123456789'", "text 1234567890123456789012345678.0123456789"), ("numeric(10,2)", "0.10", "text 0.10"),
        ("numeric", "'1.500'", "text {\"scale\":3,\"value\":\"Bdw=\"}"), ("money", "'-1234.56'", "text -1234.56"), ("text", "E'e\\u0301\\n'", "text e\u{301}\n"), ("char(5)", "'ab'", "text ab   "),
        ("bytea", "'\\x00ff'", "blob 00FF"), ("bit(1)", "B'1'", "integer 1"), ("bit(10)", "B'1000000001'", "blob 0102"), ("varbit(8)", "B'0010'", "text 0010"),
        ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "text a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), ("jsonb", "'{\"a\": 1.50}'", "text {\"a\": 1.50}"), ("xml", "'<a/>'", "text <a/>"),
        ("date", "'2024-02-29'", "text 2024-02-29"), ("date", "'0044-03-15 BC'", "text -0043-03-15"), ("time", "'24:00:00'", "integer 86400000000"),
        ("timestamp", "'1969-12-31 23:59:59.999999'", "integer -1"), ("timestamp", "'infinity'", "integer 9223372036825200000"),
        ("timestamptz", "'2024-02-29 12:34:56.789012+05'", "text 2024-02-29T07:34:56.789012Z"), ("interval", "'1 year -3 days 04:05:06.789'", "text P1Y-3DT4H5M6.789S"),
        ("inet", "'2001:db8::1/64'", "text 2001:db8::1/64"), ("int4range", "'[1,5)'", "text [1,5)"), ("mood", "'so \"so\"'", "text so \"so\""), ("int[]", "'{1,NULL,-3}'", "text [1,null,-3]"),
        ("pair", "ROW(1, 'x')::pair", "text {\"a\":1,\"b c\":\"x\"}"), ("hstore", "'a=>1'", "text {\"a\":\"1\"}"),
    ]

    @Test(arguments: ["envelope", "flat"]) func everyTypeGoesIntoSQLite(shape: String) async throws {
        try await onThread {
            let run = try PostgresRun(), folder = try TemporaryFolder()
            try run.sql.execute(Self.types)
            let columns = Self.inSQLite.enumerated().map { "c\($0) \($1.type)" }.joined(separator: ", ")
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY, \(columns)); INSERT INTO t VALUES (1, \(Self.inSQLite.map(\.literal).joined(separator: ", ")))")
            let source = try run.source(["value.shape": shape])
            try source.start()
            let topic = TestTopic("t.public.t")
            topic.records = try Self.throughJSON(try source.live(1), hasSchemas: true)
            source.stop()
            let sink = SinkRun(folder.file("copy.db"))
            try sink.write(topic)
            #expect(sink.reporter.letters.map(\.error) == [])
            let reader = try Database(path: folder.file("copy.db"), mode: .readOnly)
            for (index, one) in Self.inSQLite.enumerated() {
                // Both shapes find the table: by the source block, or by what the key's schema says.
                let stored = try reader.text("SELECT typeof(c\(index)) || ' ' || CASE typeof(c\(index)) WHEN 'blob' THEN hex(c\(index)) ELSE c\(index) END FROM t")
                #expect(stored == one.stored, "\(one.type) \(one.literal)")
            }
        }
    }
}
