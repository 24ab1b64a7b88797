import ConnectRuntime
import Testing

@Suite struct SinkReductionTests {
    @Test func theLastChangeOfAKeyStandsAndOthersWaitBeneath() {
        var reduction = SinkReduction<Int, String>()
        let added = [(1, "a"), (2, "b"), (1, "c"), (1, "d")].map { key, change in reduction.add(change, key: { _ in key }) { _, _ in true } }
        #expect(added == [true, true, true, true])
        #expect(reduction.unitCount == 2)
        #expect(reduction.hasSuperseded(0) { $0 == "a" })
        var seen: [String?] = []
        var left: [Bool] = []
        for _ in 0..<4 {
            seen.append(reduction.change(of: 0))
            left.append(reduction.fallBack(0))
        }
        #expect(seen == ["d", "c", "a", nil])
        #expect(left == [true, true, false, false])
        #expect(reduction.change(of: 1) == "b")
    }

    /// Keys that only rise are not looked up; the first that may be old finds them all the same.
    @Test func keysThatWereNewForSureAreFoundLater() {
        struct Change: Equatable {
            let key: Int, text: String
            init(_ key: Int, _ text: String) { (self.key, self.text) = (key, text) }
        }
        var reduction = SinkReduction<Int, Change>()
        func add(_ key: Int, _ text: String, isNew: Bool) -> Bool {
            reduction.add(Change(key, text), key: { $0.key }, isNew: isNew) { earlier, _ in earlier.text != "last" }
        }
        var added = [add(1, "a", isNew: true), add(2, "b", isNew: true), add(5, "last", isNew: true)]
        added += [add(2, "c", isNew: false), add(5, "d", isNew: false), add(3, "e", isNew: false)]
        #expect(added == [true, true, true, true, false, true])
        #expect((0..<reduction.unitCount).map { reduction.change(of: $0)?.text } == ["a", "c", "last", "e"])
        let falls = reduction.fallBack(1)
        #expect(falls && reduction.change(of: 1) == Change(2, "b"))
    }

    @Test func aChangeThatCannotStandForAnEarlierOneIsRefused() {
        var reduction = SinkReduction<Int, String>()
        let first = reduction.add("ab", key: { _ in 1 }) { _, _ in false }
        let second = reduction.add("a", key: { _ in 1 }) { earlier, later in later.count >= earlier.count }
        #expect(first && !second)
        #expect(reduction.change(of: 0) == "ab")
    }

    @Test(arguments: [[], [0], [7], [0, 1], [3, 9, 500, 999], Array(stride(from: 0, to: 1000, by: 2))])
    func bisectionFindsExactlyTheBad(bad: [Int]) throws {
        struct Bad: Error {}
        var applied: [Int] = [], found: [Int] = [], attempts = 0
        try SinkBisection.run(
            0..<1000,
            apply: { range in
                attempts += 1
                if bad.contains(where: range.contains) { throw Bad() }
                applied += range
            }, isBad: { $0 is Bad },
            replace: { index, _ in
                found.append(index)
                return false
            })
        #expect(found == bad)
        #expect(applied == (0..<1000).filter { !bad.contains($0) })
        #expect(attempts <= 1 + bad.count * 2 * 10)
    }

    @Test func whatTakesABadOnesPlaceIsTriedToo() throws {
        struct Bad: Error {}
        var present = [0: ["good", "bad", "bad"], 1: ["good"], 2: ["bad"]]
        var applied: [String] = []
        try SinkBisection.run(
            0..<3,
            apply: { range in
                if range.contains(where: { present[$0]?.last == "bad" }) { throw Bad() }
                applied += range.compactMap { present[$0]?.last.map { "\($0)" } }
            }, isBad: { $0 is Bad },
            replace: { index, _ in
                present[index]?.removeLast()
                return present[index]?.isEmpty == false
            })
        #expect(applied == ["good", "good"])
    }

    @Test func otherErrorsEndIt() {
        struct Other: Error {}
        #expect(throws: Other.self) { try SinkBisection.run(0..<10, apply: { _ in throw Other() }, isBad: { _ in false }, replace: { _, _ in false }) }
    }

    @Test(arguments: [
        ("${topic}", nil, "t.o"), ("${source.schema}.${source.table}", "main", "a.b"), ("copy_${source.table}", nil, "copy_a.b"), ("x.${topic}", "x", "t.o"),
        ("plain", nil, "plain"),
    ] as [(String, String?, String)])
    func tableNamesAreResolved(format: String, schema: String?, table: String) throws {
        let resolved = try SinkTableName(format).resolve(topic: "t.o") { $0 == "table" ? "a.b" : $0 == "schema" ? "main" : nil }
        #expect(resolved?.schema?.text == schema)
        #expect(resolved?.table.text == table)
    }

    @Test(arguments: ["", "a.", ".a", "a.b.c", "${nope}"]) func badTableNamesAreRefused(format: String) {
        #expect(throws: SettingError.self) { try SinkTableName(format) }
    }

    @Test func aKeysSchemaTellsTheTable() {
        let ours = Schema(.structure, parameters: SourceTableParameters.make(database: "d", schema: "s", table: "t.u"))
        #expect(SourceTableParameters.member("table", of: ours) == "t.u")
        #expect(SourceTableParameters.member("schema", of: ours) == "s")
        #expect(SourceTableParameters.member("table", of: Schema(.structure, name: "p.public.orders.Key")) == "orders")
        #expect(SourceTableParameters.member("table", of: Schema(.structure, name: "orders")) == nil)
    }
}
