import ConnectRuntime
import ConnectTesting
import Connectors
import Postgres
import PostgresTesting
import SQLite
import Testing

/// Every type with extreme values from PostgreSQL through the bytes of a topic into PostgreSQL and into SQLite.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresRoundTripTests {
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
            try run.sql.execute(PostgresTypeCases.types)
            try target.sql.execute(PostgresTypeCases.types)
            let all = PostgresTypeCases.cases.flatMap { one in one.literals.map { (one.type, $0) } }.filter { form.hasSchemas || !PostgresTypeCases.isLostWithoutSchema($0.0, $0.1) }
            var columns = all.enumerated().map { "c\($0) \($1.0)" }.joined(separator: ", ")
            columns = "CREATE TABLE t (id int PRIMARY KEY, \(columns))"
            try run.sql.execute(columns + "; INSERT INTO t VALUES (1, \(all.map(\.1).joined(separator: ", ")))")
            if !form.makesTable { try target.sql.execute(columns) }
            let source = try run.source(["value.shape": form.isEnvelope ? "envelope" : "flat"])
            try source.start()
            var records = try source.live(1)
            try source.settle()
            try run.sql.execute("INSERT INTO t (id) VALUES (2); UPDATE t SET id = 3 WHERE id = 1")
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
                    if let other = PostgresTypeCases.madeAs[type] { #expect(made == other) } else { #expect(made == wanted, "\(type) \(literal)") }
                }
            }
        }
    }

    /// Without schemas the table must be there; what then says what a value is are the columns, and what JSON itself can tell.
    @Test(arguments: ["envelope", "flat"], [true, false]) func everyTypeGoesIntoSQLite(shape: String, hasSchemas: Bool) async throws {
        try await onThread {
            let run = try PostgresRun(), folder = try TemporaryFolder()
            try run.sql.execute(PostgresTypeCases.types)
            let cases = PostgresTypeCases.inSQLite
            let columns = cases.enumerated().map { "c\($0) \($1.type)" }.joined(separator: ", ")
            try run.sql.execute("CREATE TABLE t (id int PRIMARY KEY, \(columns)); INSERT INTO t VALUES (1, \(cases.map(\.literal).joined(separator: ", ")))")
            let source = try run.source(["value.shape": shape])
            try source.start()
            let records = try source.live(1)
            source.stop()
            let topic = TestTopic("t.public.t"), made = SinkRun(folder.file("made.db"))
            topic.records = try Self.throughJSON(records, hasSchemas: true)
            try made.write(topic)
            #expect(made.reporter.letters.map(\.error) == [])
            var file = folder.file("made.db")
            if !hasSchemas {
                let table = try Database(path: file, mode: .readOnly).text("SELECT sql FROM sqlite_schema WHERE name = 't'") ?? ""
                file = folder.file("there.db")
                try Database(path: file, mode: .create).execute(table)
                topic.records = try Self.throughJSON(records, hasSchemas: false)
                // Without a source block in the row nothing but the topic's name says which table is meant.
                let there = SinkRun(file, ["table.name.format": "t"])
                try there.write(topic)
                #expect(there.reporter.letters.map(\.error) == [])
            }
            let reader = try Database(path: file, mode: .readOnly)
            for (index, one) in cases.enumerated() {
                let stored = try reader.text("SELECT typeof(c\(index)) || ' ' || CASE typeof(c\(index)) WHEN 'blob' THEN hex(c\(index)) ELSE c\(index) END FROM t")
                let wanted = hasSchemas ? one.stored : PostgresTypeCases.inSQLiteWithoutSchemas["\(one.type) \(one.literal)"] ?? one.stored
                #expect(stored == wanted, "\(one.type) \(one.literal)")
            }
        }
    }
}
