import ConnectRuntime
import Testing

@Suite struct TransformChainTests {
    private static let catalogue = PluginCatalogue(BuiltInTransforms.plugins + BuiltInPredicates.plugins).adding([
        Plugin(["test.Failing"], version: "1", definition: ConfigDefinition(), summary: "", factory: .transform { Failing() }),
        Plugin(["test.FailingPredicate"], version: "1", definition: ConfigDefinition(), summary: "", factory: .predicate { FailingPredicate() }),
    ])

    /// Fails for negative numbers until they were tried three times.
    private final class Failing: Transform {
        private var tries: [Int64: Int] = [:]
        func configure(_ config: Config) throws {}
        func apply(_ record: inout Record) throws -> TransformResult {
            guard case .int64(let number) = record.value, number < 0 else { return .keep }
            tries[number, default: 0] += 1
            if tries[number, default: 0] < 3 { throw ConnectError(.retriable, code: "test.later", "not yet: \(number)") }
            record.value = .int64(number * 10)
            return number == -9 ? .drop : .keep
        }
    }

    private final class FailingPredicate: Predicate {
        func configure(_ config: Config) throws {}
        func test(_ record: Record) throws -> Bool {
            if record.value == .int64(3) { throw ConnectError(.data, code: "test.three", "three") }
            return record.value != .int64(2)
        }
    }

    private func batch(_ numbers: [Int64]) -> RecordBatch {
        var batch = RecordBatch()
        let partition = SourcePartition([("table", .string("t"))])
        for number in numbers { batch.append(Record(topic: "t", value: .int64(number)), partition: partition, offset: SourceOffset([("n", .integer(number))])) }
        return batch
    }

    private func words(_ batch: RecordBatch) -> [String] {
        batch.entries.map { entry in
            guard case .int64(let number) = entry.record.value else { return "\(entry.record.value)" }
            switch entry.outcome {
            case .live: return "\(number)"
            case .filtered: return "\(number) filtered"
            case .failed: return "\(number) failed"
            }
        }
    }

    private func chain(_ pairs: KeyValuePairs<Name, String>) throws -> TransformChain {
        try TransformChain(ConfigMap(pairs), catalogue: Self.catalogue)
    }

    private struct Unexpected: Error {}

    /// Where a topic's records go, as far as the topic alone tells.
    @Test func topicsAreFollowedThroughTheChain() throws {
        let router: [(Name, String)] = [("transforms.a.type", "RegexRouter"), ("transforms.a.regex", "shop\\.public\\.(.*)"), ("transforms.a.replacement", "$1")]
        func reached(_ topic: Name, _ more: [(Name, String)]) throws -> Set<Name> {
            let chain = try TransformChain(ConfigMap((router + more).map { ConfigMap.Entry($0.0, $0.1) }), catalogue: Self.catalogue)
            defer { chain.close() }
            return chain.topics(of: topic)
        }
        let plain: [(Name, String)] = [("transforms", "a")]
        #expect(try reached("shop.public.orders", plain) == ["orders"])
        #expect(try reached("other", plain) == ["other"])
        #expect(try reached("other", []) == ["other"])
        let named: [(Name, String)] = plain + [("predicates", "p"), ("transforms.a.predicate", "p"), ("predicates.p.type", "TopicNameMatches"), ("predicates.p.pattern", ".*orders")]
        #expect(try reached("shop.public.orders", named) == ["orders"])
        #expect(try reached("shop.public.items", named) == ["shop.public.items"])
        #expect(try reached("shop.public.items", named + [("transforms.a.negate", "true")]) == ["items"])
        // A record's content decides: both are possible.
        let content: [(Name, String)] = plain + [("predicates", "p"), ("transforms.a.predicate", "p"), ("predicates.p.type", "RecordIsTombstone")]
        #expect(try reached("shop.public.orders", content) == ["orders", "shop.public.orders"])
        let twice: [(Name, String)] = [
            ("transforms", "a,b"), ("transforms.b.type", "RegexRouter"), ("transforms.b.regex", "orders"), ("transforms.b.replacement", "renamed"),
        ]
        #expect(try reached("shop.public.orders", twice) == ["renamed"])
    }

    @Test func stepsSeeWhatTheOneBeforeLeft() throws {
        let chain = try self.chain([
                "transforms": "a, b", "transforms.a.type": "RegexRouter", "transforms.a.regex": "t", "transforms.a.replacement": "u",
                "transforms.b.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.b.regex": "(u)", "transforms.b.replacement": "$1$1",
            ])
        var batch = batch([1])
        try chain.apply(to: &batch) { _, _, error, _ in throw error }
        #expect(batch.entries[0].record.topic == "uu")
    }

    @Test(arguments: [("false", ["1", "2 filtered", "3 filtered"]), ("true", ["1 filtered", "2", "3"])])
    func predicatesChoose(negate: String, expected: [String]) throws {
        let chain = try self.chain([
                "transforms": "drop", "transforms.drop.type": "Filter", "transforms.drop.predicate": "p", "transforms.drop.negate": negate,
                "predicates": "p", "predicates.p.type": "RecordIsTombstone",
            ])
        var batch = batch([1, 2, 3])
        batch.entries[1].record.value = .null
        batch.entries[2].record.value = .null
        try chain.apply(to: &batch) { _, _, error, _ in throw error }
        batch.entries[1].record.value = .int64(2)
        batch.entries[2].record.value = .int64(3)
        #expect(words(batch) == expected)
    }

    @Test func theCallerDecidesAboutFailures() throws {
        let chain = try self.chain(["transforms": "f", "transforms.f.type": "test.Failing"])
        var batch = batch([1, -2, 3, -4, -9])
        try chain.apply(to: &batch) { entry, className, error, again in
            #expect(className == "test.Failing")
            let error = ConnectError(error)
            if entry.record.value == .int64(-4) {
                entry.outcome = .failed(RecordFailure(stage: .transformation, pluginClass: className, error: error))
                return nil
            }
            #expect(throws: ConnectError.self) { try again(&entry.record) }
            return try again(&entry.record)
        }
        #expect(words(batch) == ["1", "-20", "3", "-4 failed", "-90 filtered"])
    }

    @Test func whatTheCallerThrowsEndsTheBatch() throws {
        let chain = try self.chain(["transforms": "f", "transforms.f.type": "test.Failing"])
        var batch = batch([1, -2])
        #expect(throws: Unexpected.self) { try chain.apply(to: &batch) { _, _, _, _ in throw Unexpected() } }
    }

    @Test(arguments: [(Bool?.none, false, ["1 filtered", "2", "3 failed"]), (true, false, ["1 filtered", "2", "3 filtered"]), (true, true, ["1", "2 filtered", "3"])])
    func failuresOfPredicates(verdict: Bool?, negate: Bool, expected: [String]) throws {
        let chain = try self.chain([
                "transforms": "d", "transforms.d.type": "Filter", "transforms.d.predicate": "p", "transforms.d.negate": "\(negate)", "predicates": "p",
                "predicates.p.type": "test.FailingPredicate",
            ])
        var batch = batch([1, 2, 3])
        try chain.apply(to: &batch) { entry, className, error, _ in
            #expect(className == "test.FailingPredicate")
            if verdict == nil { entry.outcome = .failed(RecordFailure(stage: .transformation, pluginClass: className, error: ConnectError(error))) }
            return verdict
        }
        #expect(words(batch) == expected)
    }

    @Test(arguments: [
        (["transforms": "a"], "transforms.a.type"),
        (["transforms": "a", "transforms.a.type": "RegexRooter"], "transforms.a.type"),
        (["transforms": "a,a", "transforms.a.type": "Filter"], "transforms"),
        (["transforms": "a", "transforms.a.type": "RegexRouter", "transforms.a.regex": "("], "transforms.a.regex"),
        (["transforms": "a", "transforms.a.type": "RegexRouter", "transforms.a.regex": "x"], "transforms.a.replacement"),
        (["transforms": "a", "transforms.a.type": "Filter", "transforms.a.negate": "true"], "transforms.a.negate"),
        (["transforms": "a", "transforms.a.type": "Filter", "transforms.a.predicate": "nope"], "transforms.a.predicate"),
        (["transforms": "a", "transforms.a.type": "InsertField$Value"], "transforms.a.type"),
        (["transforms": "a", "transforms.a.type": "Filter", "predicates": "p", "predicates.p.type": "HasHeaderKey"], "predicates.p.name"),
    ] as [([String: String], Name)])
    func problemsNameTheSetting(map: [String: String], setting: Name) throws {
        let map = ConfigMap(map.sorted { $0.key < $1.key }.map { ConfigMap.Entry(Name($0.key), $0.value) })
        #expect(TransformChain.problems(in: map, catalogue: Self.catalogue).contains { $0.setting == setting })
        let error = #expect(throws: ConnectError.self) { try TransformChain(map, catalogue: Self.catalogue) }
        #expect(error?.kind == .configuration)
    }

    @Test func defaultsStayNullWhenAsked() throws {
        let schema = Schema.structure("S", fields: [Schema.Field("a", Schema(.string, optional: true, default: .string("d")))])
        for (flag, expected) in [("true", Value.string("d")), ("false", .null)] {
            let chain = try self.chain([
                    "transforms": "a,b", "transforms.a.type": "InsertField$Value", "transforms.a.topic.field": "t",
                    "transforms.a.replace.null.with.default": flag, "transforms.b.type": "ReplaceField$Value", "transforms.b.renames": "a:z",
                    "transforms.b.replace.null.with.default": flag,
                ])
            var batch = batch([1])
            batch.entries[0].record.valueSchema = schema
            batch.entries[0].record.value = .structure(Struct(schema, [.null]))
            try chain.apply(to: &batch) { _, _, error, _ in throw error }
            guard case .structure(let result) = batch.entries[0].record.value else {
                Issue.record("no struct")
                continue
            }
            #expect(result.value(of: "z") == expected)
            #expect(result.value(of: "t") == .string("t"))
        }
    }

    @Test func aStructOfAnotherSchemaIsAnErrorNotATrap() throws {
        let chain = try self.chain(["transforms": "a", "transforms.a.type": "InsertField$Value", "transforms.a.topic.field": "t"])
        var batch = batch([1])
        batch.entries[0].record.valueSchema = .structure("A", fields: [Schema.Field("a", Schema(.int32, default: .int32(1)))])
        batch.entries[0].record.value = .structure(Struct(.structure("B", fields: []), []))
        #expect(throws: ConnectError.self) { try chain.apply(to: &batch) { _, _, error, _ in throw error } }
    }
}
