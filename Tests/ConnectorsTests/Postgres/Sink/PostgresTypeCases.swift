/// Every type with extreme values, and what becomes of them.
enum PostgresTypeCases {
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
        // Numbers and texts at the edges of what the server takes.
        ("numeric(38,38)", ["0.99999999999999999999999999999999999999"]), ("numeric(1000,0)", ["repeat('9', 1000)::numeric"]), ("numeric(3,5)", ["0.00123"]), ("numeric", ["('0.' || repeat('7', 1000))::numeric", "'1e5000'"]),
        ("text", ["repeat(E'\\u00e9', 70000)"]), ("xid", ["'4294967295'"]), ("jsonb", ["(repeat('[', 100) || repeat(']', 100))::jsonb", "'{\"n\": 123456789012345678901234567890.12345, \"e\": -0, \"big\": 1e400, \"\": \"\"}'"]),
        ("jsonpath", ["'$.\"a\"[*]'"]), ("pg_snapshot", ["'10:20:10,14'"]), ("macaddr8", ["'08:00:2b:01:02:03:04:05'"]), ("citext", ["'MiXed'"]), ("ltree", ["'Top.Science_1'", "''"]),
        ("int8range", ["'[-9223372036854775808,9223372036854775807)'", "'(,)'"]), ("numrange", ["'(-1.50,1e30]'"]), ("daterange", ["'[2024-01-01,infinity)'", "'(,2024-01-01)'"]),
        ("tsrange", ["'[2024-01-01 00:00:00,2024-01-02 12:34:56.789012)'"]), ("datemultirange", ["'{}'", "'{[2024-01-01,2024-01-02),[2025-01-01,)}'"]),
        // Domains of domains, composites of composites, an enumeration without values, a column the server computes.
        ("word", ["'ab'"]), ("amount", ["-123456789.125"]), ("tip", ["1.500"]), ("nothing", ["NULL"]), ("deep", ["ROW(ROW(1, 'x')::pair, ARRAY[1, NULL], '2024-01-01 00:00:00+00', 1.50, '\\x00ff')::deep", "ROW(NULL, NULL, NULL, NULL, NULL)::deep"]),
        ("int GENERATED ALWAYS AS (7) STORED", ["DEFAULT"]),
        // Arrays of every kind of element.
        ("smallint[]", ["'{-32768,32767}'"]), ("bigint[]", ["'{-9223372036854775808,9223372036854775807,NULL}'"]), ("oid[]", ["'{4294967295}'"]), ("real[]", ["'{NaN,1e-45,-3.4028235e38}'"]), ("numeric[]", ["'{1.50,-1e50,NULL}'"]),
        ("money[]", ["'{-1.50,NULL}'"]), ("varchar(3)[]", ["'{abc,NULL}'"]), ("char(3)[]", ["'{ab,NULL}'"]), ("name[]", ["'{n}'"]), ("bit(3)[]", ["'{101,NULL}'"]), ("bit(1)[]", ["'{1,0,NULL}'"]), ("varbit[]", ["'{10101,NULL}'"]),
        ("json[]", ["ARRAY['{\"a\": 1}'::json, NULL]"]), ("xml[]", ["ARRAY['<a/>'::xml]"]), ("interval[]", ["ARRAY['1 day'::interval, '-1 mon', NULL]"]), ("time[]", ["'{24:00:00,00:00:00.000001}'"]), ("timetz[]", ["'{12:00:00+02}'"]),
        ("timestamptz[]", ["ARRAY['2024-02-29 12:34:56.789012+05'::timestamptz, 'infinity', '0044-03-15 00:00:00+00 BC']"]), ("inet[]", ["'{10.0.0.1,::1}'"]), ("int4range[]", ["ARRAY['[1,2)'::int4range, 'empty']"]),
        ("text[][]", ["'{{a,NULL},{\"x,y\",\"\"}}'"]), ("int[][][]", ["'{{{1,2}},{{3,NULL}}}'"]), ("mood[][]", ["'{{sad,sad}}'"]), ("hstore[]", ["ARRAY['a=>1'::hstore, NULL]"]), ("citext[]", ["'{A,b}'"]), ("point[]", ["ARRAY[point '(1,2)']"]),
        ("amount[]", ["'{1.125,NULL}'"]), ("deep[]", ["ARRAY[ROW(ROW(1, 'x')::pair, ARRAY[1], NULL, 2.5, NULL)::deep]"]),
    ]
    static let types = """
        CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE TYPE mood AS ENUM ('sad', 'so "so"'); CREATE TYPE nothing AS ENUM ();
        CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE DOMAIN word AS varchar(5); CREATE DOMAIN amount AS numeric(12,3); CREATE DOMAIN tip AS amount CHECK (VALUE > 0);
        CREATE TYPE pair AS (a int, "b c" text); CREATE TYPE deep AS (p pair, l int[], t timestamptz, m numeric, x bytea);
        """

    /// What JSON without schema loses: fractions are doubles, whole numbers have 64 bits (what is above is cut off, as Kafka Connect does), and nothing tells a document of texts from a text of documents.
    static func isLostWithoutSchema(_ type: String, _ literal: String) -> Bool {
        type == "numeric(38,10)" || type == "numeric(38,38)" || type == "numeric(1000,0)" || type == "varbit(8)" && literal.isEmpty
    }

    /// What a table is made with where it is not the type itself: a domain of another database, what an extension brings.
    static let madeAs = [
        "oid": "bigint", "positive": "integer", "word": "text", "amount": "numeric", "tip": "numeric", "citext": "text",
    ]

    /// What SQLite holds of each: its own kinds of values, with nothing lost but NaN, which it cannot store and which is refused.
    static let inSQLite: [(type: String, literal: String, stored: String)] = [
        ("boolean", "true", "integer 1"), ("smallint", "-32768", "integer -32768"), ("bigint", "-9223372036854775808", "integer -9223372036854775808"),
        ("real", "1.5", "real 1.5"), ("double precision", "'Infinity'", "real Inf"), ("double precision", "5e-324", "real 4.94065645841247e-324"),
        ("numeric(38,10)", "'1234567890123456789012345678.0123456789'", "text 1234567890123456789012345678.0123456789"), ("numeric(10,2)", "0.10", "text 0.10"),
        ("numeric", "'1.500'", "text 1.500"), ("money", "'-1234.56'", "text -1234.56"), ("text", "E'e\\u0301\\n'", "text e\u{301}\n"), ("char(5)", "'ab'", "text ab   "),
        ("bytea", "'\\x00ff'", "blob 00FF"), ("bit(1)", "B'1'", "integer 1"), ("bit(10)", "B'1000000001'", "blob 0102"), ("varbit(8)", "B'0010'", "text 0010"),
        ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "text a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), ("jsonb", "'{\"a\": 1.50}'", "text {\"a\": 1.50}"), ("xml", "'<a/>'", "text <a/>"),
        ("date", "'2024-02-29'", "text 2024-02-29"), ("date", "'0044-03-15 BC'", "text -0043-03-15"), ("time", "'24:00:00'", "integer 86400000000"),
        ("timestamp", "'1969-12-31 23:59:59.999999'", "integer -1"), ("timestamp", "'infinity'", "integer 9223372036825200000"),
        ("timestamptz", "'2024-02-29 12:34:56.789012+05'", "text 2024-02-29T07:34:56.789012Z"), ("interval", "'1 year -3 days 04:05:06.789'", "text P1Y-3DT4H5M6.789S"),
        ("inet", "'2001:db8::1/64'", "text 2001:db8::1/64"), ("int4range", "'[1,5)'", "text [1,5)"), ("mood", "'so \"so\"'", "text so \"so\""), ("int[]", "'{1,NULL,-3}'", "text [1,null,-3]"),
        ("pair", "ROW(1, 'x')::pair", "text {\"a\":1,\"b c\":\"x\"}"), ("hstore", "'a=>1'", "text {\"a\":\"1\"}"),
        ("oid", "4294967295", "integer 4294967295"),
        ("real", "'-Infinity'", "real -Inf"),
        ("double precision", "1.7976931348623157e308", "real 1.79769313486232e+308"),
        ("bigint", "9223372036854775807", "integer 9223372036854775807"),
        ("numeric(38,38)", "0.99999999999999999999999999999999999999", "text 0.99999999999999999999999999999999999999"),
        ("numeric(5,-2)", "12300", "text 12300"),
        ("numeric", "'1e100'", "text 10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"),
        ("varchar(3)", "'abc'", "text abc"),
        ("name", "'n'", "text n"),
        ("\"char\"", "'x'", "text x"),
        ("citext", "'MiXed'", "text MiXed"),
        ("json", "'[1, 2]'", "text [1, 2]"),
        ("date", "'infinity'", "text 5881580-07-11"),
        ("date", "'5874897-12-31'", "text 5874897-12-31"),
        ("timetz", "'12:34:56.7+02'", "text 12:34:56.7+02"),
        ("timestamp", "'294246-12-31 23:59:59.999999'", "integer 9223371244799999999"),
        ("timestamptz", "'infinity'", "text infinity"),
        ("timestamptz", "'4713-01-01 00:00:00+00 BC'", "text 4713-01-01T00:00:00+00:00 BC"),
        ("cidr", "'10.0.0.0/8'", "text 10.0.0.0/8"),
        ("macaddr", "'08:00:2b:01:02:03'", "text 08:00:2b:01:02:03"),
        ("tstzrange", "'[2024-01-01 00:00:00+00,)'", "text [\"2024-01-01 00:00:00+00\",)"),
        ("int4multirange", "'{[1,3),[5,7)}'", "text {[1,3),[5,7)}"),
        ("pg_lsn", "'16/B374D848'", "text 16/B374D848"),
        ("xid8", "'18446744073709551615'", "text 18446744073709551615"),
        ("point", "'(1.5,-2)'", "text (1.5,-2)"),
        ("tsvector", "'a b'::tsvector", "text 'a' 'b'"),
        ("ltree", "'Top.Science_1'", "text Top.Science_1"),
        ("positive", "5", "integer 5"),
        ("amount", "-123456789.125", "text -123456789.125"),
        ("tip", "1.500", "text 1.500"),
        ("deep", "ROW(ROW(1, 'x')::pair, ARRAY[1, NULL], '2024-01-01 00:00:00+00', 1.50, '\\x00ff')::deep", "text {\"p\":{\"a\":1,\"b c\":\"x\"},\"l\":[1,null],\"t\":\"2024-01-01T00:00:00Z\",\"m\":{\"scale\":2,\"value\":\"AJY=\"},\"x\":\"AP8=\"}"),
        ("text[]", "ARRAY['a\"b', NULL, '']", "text [\"a\\\"b\",null,\"\"]"),
        ("bytea[]", "ARRAY['\\x00'::bytea, NULL]", "text [\"AA==\",null]"),
        ("numeric(4,1)[]", "'{1.5,-999.9}'", "text [1.5,-999.9]"),
        ("timestamptz[]", "ARRAY['2024-02-29 12:34:56.789012+05'::timestamptz]", "text [\"2024-02-29T07:34:56.789012Z\"]"),
        ("float8[]", "'{NaN,Infinity,0.1}'", "text [\"NaN\",\"Infinity\",0.1]"),
        ("int[][]", "'{{1,2},{3,4}}'", "text [[1,2],[3,4]]"),
        ("mood[]", "ARRAY['sad', NULL]::mood[]", "text [\"sad\",null]"),
        ("boolean[]", "'{t,f,NULL}'", "text [true,false,null]"),
        ("date[]", "'{2024-02-29}'", "text [19782]"),
        ("interval", "'178000000 years 11 mons 2147483647 days'", "text P178000000Y11M2147483647D"),
        ("numeric(1000,0)", "repeat('9', 30)::numeric", "text 999999999999999999999999999999"),
    ]

    /// The same without schemas, where that differs: bytes and numbers with a scale of their own are what JSON has of them, days are numbers, fractions doubles.
    static let inSQLiteWithoutSchemas = [
        "bit(10) B'1000000001'": "text AQI=",
        "bytea '\\x00ff'": "text AP8=",
        "date '0044-03-15 BC'": "text -735160",
        "date '2024-02-29'": "text 19782",
        "date '5874897-12-31'": "text 2145042905",
        "date 'infinity'": "text 2147483647",
        "double precision 'Infinity'": "text Infinity",
        "numeric(10,2) 0.10": "text 0.1",
        "numeric(1000,0) repeat('9', 30)::numeric": "text 5076944270305263615",
        "numeric(38,10) '1234567890123456789012345678.0123456789'": "text 1.23456789012346e+27",
        "numeric(38,38) 0.99999999999999999999999999999999999999": "text 1.0",
        "numeric(5,-2) 12300": "text 12300.0",
        "numeric '1.500'": "text {\"scale\":3,\"value\":\"Bdw=\"}",
        "numeric '1e100'": "text {\"scale\":0,\"value\":\"EkmtJZTDfOsLJ4TEzgvzis5AjiEafKqyQwioLo8QAAAAAAAAAAAAAAAA\"}",
        "real '-Infinity'": "text -Infinity",
        "tip 1.500": "text 1.5",
    ]
}
