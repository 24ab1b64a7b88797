import ConnectRuntime
import ConnectTesting
import Connectors
import Postgres
import PostgresTesting
import Testing

/// Tables and columns that are made, changed, found, and refused.
@Suite(.serialized, .enabled(if: PostgresServer.isAvailable, PostgresRun.why)) struct PostgresSinkTableTests {
    static func record(_ fields: [(Name, Schema, Value)], key: [Name] = ["id"], topic: Name = "t") -> Record {
        let row = Schema.structure("r", fields: fields.map { .init($0.0, $0.1) })
        let parts = fields.filter { key.contains($0.0) }
        let schema = Schema.structure("k", fields: parts.map { .init($0.0, $0.1) })
        return Record(
            topic: topic, keySchema: schema, key: .structure(Struct(schema, parts.map(\.2))), valueSchema: row, value: .structure(Struct(row, fields.map(\.2))))
    }
    static func topic(_ records: [Record], _ name: Name = "t") -> TestTopic { PostgresSinkTests.topic(records, name) }
    static let int = Schema.plain(.int64), text = Schema.plain(.string, optional: true)

    @Test(arguments: ["a\"; DROP TABLE x; --", "select", "Ünïcode", "with.dot", "with space", "back\\slash", "new\nline", "o'hara", "$1", "%s", "CamelCase", "t"])
    func namesOfEveryKindAreJustNames(name: String) async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE x (id int)")
            let other = Name(name + " 2")
            let records = [0, 1, 2].map { id in Self.record([(Name(name), Self.int, .int64(id)), (other, Self.text, .string("v\(id)"))], key: [Name(name)], topic: Name(name)) }
            var gone = records[1]
            (gone.valueSchema, gone.value) = (nil, .null)
            let run = PostgresSinkRun(target.url, ["table.name.format": "${topic}"])
            try run.write(Self.topic(records + [gone], Name(name)))
            // The same by COPY, in another schema of a name of that kind.
            var many = (0..<600).map { id in Self.record([(Name(name), Self.int, .int64(id)), (other, Self.text, .string(name))], key: [Name(name)], topic: Name(name)) }
            many.append(gone)
            try PostgresSinkRun(target.url, ["table.name.format": "s'\"${topic}.${topic}", "on.topic.recreated": "reset"]).write(Self.topic(many, Name(name)))
            #expect(run.reporter.letters.isEmpty, "\(run.reporter.letters)")
            let quoted = Quoting.identifier(name), value = Quoting.identifier(other.text)
            #expect(try target.text("SELECT string_agg(\(quoted) || \(value), ' ' ORDER BY \(quoted)) FROM \(quoted)") == "0v0 2v2")
            #expect(try target.text("SELECT count(*) FROM \(Quoting.identifier("s'\"" + name)).\(quoted) WHERE \(value) = \(Quoting.literal(name))") == "599")
            #expect(try target.text("SELECT to_regclass('x')") == "x")
        }
    }

    @Test(arguments: [Name(String(repeating: "n", count: 64)), "", "nul\0"]) func namesThatPostgresCannotBearAreRefused(name: Name) async throws {
        try await onThread {
            let target = try PostgresTarget()
            let run = PostgresSinkRun(target.url)
            try run.write(Self.topic([Self.record([("id", Self.int, .int64(1)), (name, Self.text, .null)]), PostgresSinkTests.flat(2, 2)]))
            #expect(run.reporter.letters.map(\.offset) == [0])
            #expect(["sink.long_name", "sink.bad_name"].contains(run.reporter.letters.first?.error.code))
            #expect(try target.content == "2:2")
        }
    }

    /// The type of a column comes from a record: it must be a type and nothing else.
    @Test(arguments: ["int); DROP TABLE x; --", "int DEFAULT pg_sleep(100)", "int -- ", "int /* ", "int PRIMARY KEY", "no_such_type", "setof int", "int GENERATED ALWAYS AS (1) STORED", "text COLLATE \"C\""])
    func aTypeOfARecordIsOnlyAType(written: String) async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE x (id int)")
            let schema = Schema(.int64, optional: true, parameters: [.init("connectd.postgresql.type", written)])
            let run = PostgresSinkRun(target.url)
            try run.write(Self.topic([Self.record([("id", Self.int, .int64(1)), ("v", schema, .int64(7))])]))
            #expect(run.reporter.letters.isEmpty, "\(run.reporter.letters)")
            #expect(try target.text("SELECT pg_typeof(v) || ' ' || v FROM t") == "bigint 7")
            #expect(try target.text("SELECT to_regclass('x')") == "x")
        }
    }

    @Test func sixteenHundredColumns() async throws {
        try await onThread {
            let target = try PostgresTarget()
            func wide(_ id: Int64, _ count: Int) -> Record {
                Self.record([("id", Self.int, .int64(id))] + (1..<count).map { (Name("c\($0)"), Schema.plain(.int16, optional: true), id == 2 && $0 % 2 == 0 ? .null : .int16(Int16($0))) })
            }
            let run = PostgresSinkRun(target.url)
            try run.write(Self.topic([wide(1, 1600), wide(2, 1600), wide(1, 1600), wide(3, 1601)]))
            #expect(run.reporter.letters.map(\.offset) == [3])
            #expect(run.reporter.letters.first?.error.code == "sink.cannot_change_table")
            #expect(try target.text("SELECT string_agg(id || ':' || c1599 || ':' || coalesce(c2, -1), ' ' ORDER BY id) FROM t") == "1:1599:2 2:1599:-1")
        }
    }

    @Test func columnsAreAddedInTheMiddleOfABatchAndNothingIsLost() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let wide = Self.record([("id", Self.int, .int64(3)), ("v", Self.int, .int64(3)), ("extra", .timestamp(optional: true), .timestamp(1))])
            let run = PostgresSinkRun(target.url)
            try run.write(Self.topic([PostgresSinkTests.flat(1, 1), PostgresSinkTests.flat(2, 2), wide, PostgresSinkTests.flat(4, 4), PostgresSinkTests.gone(2)]))
            #expect(run.reporter.letters.isEmpty)
            #expect(try target.content == "1:1 3:3 4:4")
            #expect(try target.text("SELECT extra FROM t WHERE id = 3") == "1970-01-01 00:00:00.001")
        }
    }

    @Test(arguments: [("auto.create", "sink.missing_table"), ("auto.evolve", "sink.missing_column")])
    func nothingIsMadeWhereThatIsOff(setting: String, code: String) async throws {
        try await onThread {
            let target = try PostgresTarget()
            if setting == "auto.evolve" { try target.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY)") }
            let run = PostgresSinkRun(target.url, [Name(setting): "false"])
            try run.write(Self.topic([PostgresSinkTests.flat(1, 1)]))
            #expect(run.reporter.letters.map(\.error.code) == [code])
        }
    }

    @Test func tablesAreFoundWhateverTheirCase() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE \"T\" (\"ID\" bigint PRIMARY KEY, \"V\" bigint, s text, more int DEFAULT 7, twice bigint GENERATED ALWAYS AS (\"V\" * 2) STORED)")
            let run = PostgresSinkRun(target.url)
            let row = Self.record([("id", Self.int, .int64(2)), ("v", Self.int, .int64(5)), ("twice", Self.int, .int64(0))])
            try run.write(Self.topic([PostgresSinkTests.flat(1, 9), row]))
            #expect(run.reporter.letters.isEmpty)
            #expect(try target.text("SELECT string_agg(concat_ws(',', \"ID\", \"V\", more, twice), ' ' ORDER BY \"ID\") FROM \"T\"") == "1,9,7,18 2,5,7,10")
            try target.sql.execute("CREATE TABLE \"Two\" (id bigint PRIMARY KEY); CREATE TABLE \"TWO\" (id bigint PRIMARY KEY)")
            let ambiguous = PostgresSinkRun(target.url, ["table.name.format": "two"])
            try ambiguous.write(Self.topic([PostgresSinkTests.flat(1, 1)], "u"))
            #expect(ambiguous.reporter.letters.map(\.error.code) == ["sink.ambiguous_table"])
        }
    }

    @Test(arguments: ["connectd.sink_offset", "pg_catalog.pg_class", "information_schema.tables"]) func tablesOfTheServerAreNotWritten(table: String) async throws {
        try await onThread {
            let target = try PostgresTarget()
            let other = PostgresSinkRun(target.url, ["table.name.format": table])
            try other.write(Self.topic([PostgresSinkTests.flat(1, 1)]))
            #expect(other.reporter.letters.map(\.error.code) == ["sink.reserved_table"])
        }
    }

    @Test func aTableWithoutTheKeyIsSaid() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE t (id bigint, v bigint, s text); CREATE UNIQUE INDEX ON t (id) WHERE v > 0")
            let run = PostgresSinkRun(target.url)
            try run.write(Self.topic([PostgresSinkTests.flat(1, 1)]))
            #expect(run.reporter.letters.map(\.error.code) == ["sink.no_unique_key"])
        }
    }

    @Test func tablesThatAreMadeAnewOrChangedMeanwhileAreFollowed() async throws {
        try await onThread {
            let target = try PostgresTarget()
            let topic = Self.topic((0..<6).map { PostgresSinkTests.flat($0, $0) })
            let run = PostgresSinkRun(target.url)
            try run.start()
            _ = try run.task.open([topic.assigned])
            try run.task.put(topic.batch(from: 0, count: 1))
            try target.sql.execute("ALTER TABLE t ALTER COLUMN v TYPE text, DROP COLUMN s")
            try run.task.put(topic.batch(from: 1, count: 1))
            try target.sql.execute("DROP TABLE t")
            try run.task.put(topic.batch(from: 2, count: 1))
            try target.sql.execute("ALTER TABLE t RENAME TO gone; CREATE TABLE t (v numeric, id bigint PRIMARY KEY)")
            try run.task.put(topic.batch(from: 3, count: 1))
            try target.sql.execute("ALTER TABLE t RENAME v TO w")
            try run.task.put(topic.batch(from: 4, count: 2))
            run.task.stop()
            #expect(run.reporter.letters.isEmpty)
            #expect(try target.content == "3:- 4:4 5:5")
            #expect(try target.text("SELECT string_agg(id || ':' || v, ' ') FROM gone") == "2:2")
        }
    }

    @Test func partitionedTablesViewsAndIdentitiesAreWritten() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute(
                """
                CREATE TABLE t (id bigint PRIMARY KEY, v bigint, s text) PARTITION BY HASH (id);
                CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1);
                CREATE TABLE i (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v bigint, s text); CREATE TABLE base (id bigint, v bigint, s text);
                CREATE VIEW w AS SELECT * FROM base
                """)
            for many in [2, 700] as [Int64] {
                let records = (0..<many).map { PostgresSinkTests.flat($0, $0) } + [PostgresSinkTests.flat(1, -1)]
                for table in ["t", "i"] {
                    let run = PostgresSinkRun(target.url, ["table.name.format": table, "on.topic.recreated": "reset"])
                    try run.write(Self.topic(records, Name(table)))
                    #expect(run.reporter.letters.isEmpty, "\(run.reporter.letters)")
                    #expect(try target.text("SELECT count(*) || ' ' || sum(v) FROM \(table)") == "\(many) \(many * (many - 1) / 2 - 2)")
                }
                let view = PostgresSinkRun(target.url, ["table.name.format": "w", "insert.mode": "insert", "on.topic.recreated": "reset"])
                try view.write(Self.topic(records, "w"))
                #expect(view.reporter.letters.isEmpty, "\(view.reporter.letters)")
            }
            #expect(try target.text("SELECT count(*) FROM base") == "704")
        }
    }

    @Test func otherKeyModes() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try PostgresSinkRun(target.url, ["pk.mode": "kafka", "delete.enabled": "false"]).write(
                Self.topic([PostgresSinkTests.flat(1, 1), PostgresSinkTests.flat(1, 2), PostgresSinkTests.gone(1)]))
            #expect(try target.text("SELECT string_agg(__connect_topic || __connect_partition || __connect_offset || v, ' ' ORDER BY __connect_offset) FROM t") == "t001 t012")
            var plain = Record(topic: "u", keySchema: .plain(.string), key: .string("k"), valueSchema: SqliteSinkTests.row, value: PostgresSinkTests.flat(1, 2).value)
            try PostgresSinkRun(target.url, ["pk.fields": "name"]).write(Self.topic([plain], "u"))
            #expect(try target.text("SELECT name || id || v FROM u") == "k12")
            plain.topic = "v"
            try PostgresSinkRun(target.url, ["pk.mode": "none", "insert.mode": "insert", "delete.enabled": "false"]).write(Self.topic([plain, plain], "v"))
            #expect(try target.text("SELECT count(*) FROM v") == "2")
            plain.topic = "w"
            try PostgresSinkRun(target.url, ["pk.mode": "record_value", "pk.fields": "id", "fields.whitelist": "v"]).write(Self.topic([plain], "w"))
            #expect(try target.text("SELECT row_to_json(w) FROM w") == "{\"id\":1,\"v\":2}")
        }
    }

    @Test func aTombstoneFindsItsTableByTheKeysSchema() async throws {
        try await onThread {
            let target = try PostgresTarget(), run = try PostgresRun()
            try run.sql.execute("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2)")
            let source = try run.source(["value.shape": "flat"])
            try source.start()
            let rows = try source.live(2)
            try source.settle()
            try run.sql.execute("DELETE FROM orders WHERE id = 1")
            let gone = try source.live(1)
            source.stop()
            for format in ["${source.table}", "${source.schema}.${source.table}", "copy_of_${source.schema}_${source.table}"] {
                let sink = PostgresSinkRun(target.url, ["table.name.format": format])
                // Another task, which has not seen the rows.
                let topic = Self.topic(rows, Name(format)), later = Self.topic(gone, Name(format + "2"))
                try sink.write(topic)
                let second = PostgresSinkRun(target.url, ["table.name.format": format])
                try second.write(later)
                let table = format.hasPrefix("c") ? "copy_of_public_orders" : "orders"
                #expect(try target.text("SELECT string_agg(id::text, ',') FROM \(table)") == "2", "\(format)")
            }
        }
    }

    /// To Swift's eye the two spellings of é are one text, to a database they are two names.
    @Test func namesThatLookAlikeStayTwo() async throws {
        try await onThread {
            let target = try PostgresTarget()
            for (number, name) in ["\u{e9}", "e\u{301}"].enumerated() {
                let records = (0..<(600 + Int64(number))).map { Self.record([("id", Self.int, .int64($0)), ("\u{e9}", Self.text, .string("composed")), ("e\u{301}", Self.text, .string("apart"))], topic: Name(name)) }
                for batch in [10, 1000] {
                    let run = PostgresSinkRun(target.url, ["table.name.format": "${topic}", "on.topic.recreated": "reset"])
                    try run.write(Self.topic(records, Name(name)), batch: batch)
                    #expect(run.reporter.letters.isEmpty)
                }
                let table = Quoting.identifier(name)
                #expect(try target.text("SELECT count(*) || ' ' || min(\"\u{e9}\") || ' ' || min(\"e\u{301}\") FROM \(table)") == "\(600 + number) composed apart")
            }
        }
    }

    @Test func looksAtTablesAgainMakeNothingThatStays() async throws {
        try await onThread {
            let target = try PostgresTarget()
            try target.sql.execute("CREATE TABLE t (id bigint PRIMARY KEY, v bigint CHECK (v >= 0), s text)")
            let topic = Self.topic((0..<12_000).map { PostgresSinkTests.flat($0 % 700, $0 % 600 == 599 ? -1 : $0) })
            let run = PostgresSinkRun(target.url)
            try run.start()
            _ = try run.task.open([topic.assigned])
            for start in stride(from: 0, to: 12_000, by: 600) { try run.task.put(topic.batch(from: Int64(start), count: 600)) }
            #expect(run.reporter.letters.count == 20)
            #expect(try target.text("SELECT count(*) <= 1 FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'") == "t")
            run.task.stop()
        }
    }
}
