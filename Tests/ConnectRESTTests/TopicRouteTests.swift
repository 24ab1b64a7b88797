import ConnectREST
import ConnectRuntime
import ConnectTesting
import Synchronization
import Testing

/// Topics over REST, on a real log.
struct TopicRouteTests {
    private func api(_ log: TestLog) -> RestAPI {
        RestAPI(herder: ScriptedHerder(), log: log.log, browserGuard: BrowserGuard(allowedHosts: []), version: "0.0.0")
    }

    private func get(_ api: RestAPI, _ target: String) throws -> JSON {
        let response = api.respond(method: "GET", rawTarget: target, headers: Headers(), body: [])
        let text = String(decoding: response.body, as: UTF8.self)
        #expect(response.status == 200, "\(target): \(text)")
        return try JSON.parse(text)
    }

    @Test func recordsAreShownAsTheyAre() throws {
        let log = try TestLog()
        try log.append(
            "t",
            [
                (#"{"id":1}"#, Array(#"{"a": 1.10, "b": null}"#.utf8)), ("text", Array("not json".utf8)), (nil, [0xFF, 0x00]), ("k", nil),
                ("5", Array("12345678901234567890".utf8)), ("", Array("{} {}".utf8)),
            ], headers: [RawHeader("h", ByteSlice(Array("x".utf8))), RawHeader("n", nil)])
        let page = try get(api(log), "/_connectd/topics/t/records")
        let lines = try #require(page["records"]?.elements).map(\.serializedText)
        let headers = #""headers":[{"key":"h","value":"x"},{"key":"n","value":null}]}"#
        func line(_ offset: Int, _ key: String, _ value: String) -> String {
            #"{"topic":"t","partition":0,"offset":\#(offset),"timestamp":1700000000000,"key":\#(key),"value":\#(value),\#(headers)"#
        }
        #expect(lines == [
            line(0, #"{"id":1}"#, #"{"a":1.10,"b":null}"#), line(1, #""text""#, #""not json""#), line(2, "null", #"{"base64":"/wA="}"#),
            line(3, #""k""#, "null"), line(4, "5", "12345678901234567890"), line(5, #""""#, #""{} {}""#),
        ])
        #expect(page["next"]?.serializedText == #"[{"partition":0,"offset":6,"leader_epoch":\#(page["next"]?.elements?.first?["leader_epoch"]?.int64 ?? -9),"end":6}]"#)
    }

    /// A worker that stops does not wait for those who wait for records.
    @Test func theEndOfTheServerEndsTheWait() async throws {
        try await onThread {
            let log = try TestLog()
            try log.append("t", [(nil, [1])])
            let api = api(log)
            let isDone = EndedFlag()
            try PlainThread.start("test-poll") {
                let response = api.respond(method: "GET", rawTarget: "/_connectd/topics/t/records?from=latest&wait=10000", headers: Headers(), body: [])
                isDone.set(response.status == 200)
            }
            api.endWaiting()
            // Far less than the request wanted to wait.
            #expect(eventually(milliseconds: 7_000) { isDone.value == true })
        }
    }

    private final class EndedFlag: Sendable {
        private let state = Mutex<Bool?>(nil)
        func set(_ value: Bool) { state.withLock { $0 = value } }
        var value: Bool? { state.withLock { $0 } }
    }

    @Test func pagesGoOnWhereTheLastOneEnded() throws {
        let log = try TestLog()
        for first in stride(from: 0, to: 25, by: 5) { try log.append("t", (first..<first + 5).map { ("k", Array("\($0)".utf8)) }) }
        var positions = "positions=0:0", seen: [Int64] = []
        for _ in 0..<20 {
            let page = try get(api(log), "/_connectd/topics/t/records?max=7&\(positions)")
            seen += (page["records"]?.elements ?? []).compactMap { $0["value"]?.int64 }
            positions = "positions=0:\(page["next"]?.elements?.first?["offset"]?.int64 ?? -1)"
            if page["records"]?.elements?.isEmpty != false { break }
        }
        #expect(seen == (0..<25).map { Int64($0) })
    }

    @Test func aGroupIsAPlaceToBeginAndIsMovedByWhoReads() throws {
        let log = try TestLog()
        try log.append("t", (0..<4).map { ("k", Array("\($0)".utf8)) })
        let api = api(log)
        let body = Array(#"{"offsets":[{"topic":"t","partition":0,"offset":3,"leader_epoch":0}]}"#.utf8)
        #expect(api.respond(method: "PUT", rawTarget: "/_connectd/groups/g/offsets", headers: Headers(), body: body).status == 204)
        #expect(try get(api, "/_connectd/topics/t/records?group=g")["records"]?.elements?.count == 1)
        #expect(try get(api, "/_connectd/topics/t/records?group=other")["records"]?.elements?.count == 4)
        #expect(try get(api, "/_connectd/topics/t/records?group=other&from=latest")["records"]?.elements?.count == 0)
        #expect(try get(api, "/_connectd/groups/g/offsets")["offsets"]?.elements?.first?["offset"]?.int64 == 3)
        let wrong = Array(#"{"offsets":[{"topic":"t","partition":9,"offset":3}]}"#.utf8)
        #expect(api.respond(method: "PUT", rawTarget: "/_connectd/groups/g/offsets", headers: Headers(), body: wrong).status == 400)
    }

    @Test(arguments: [
        ("format=string", #""{\"a\":1}""#), ("format=base64", #"{"base64":"eyJhIjoxfQ=="}"#), ("format=json", #"{"a":1}"#), ("", #"{"a":1}"#),
    ])
    func aValueFormatOverrides(query: String, shown: String) throws {
        let log = try TestLog()
        try log.append("t", [(nil, Array(#"{"a":1}"#.utf8))])
        #expect(try get(api(log), "/_connectd/topics/t/records?\(query)")["records"]?.elements?.first?["value"]?.serializedText == shown)
    }

    @Test func whatDoesNotFitAFormatEndsThePageAfterWhatDoes() throws {
        let log = try TestLog()
        try log.append("t", [(nil, Array("1".utf8)), (nil, Array("x".utf8)), (nil, Array("2".utf8))])
        let page = try get(api(log), "/_connectd/topics/t/records?format=json")
        #expect(page["records"]?.elements?.count == 1)
        #expect(page["error"]?["message"]?.text?.contains("t/0@1") == true)
    }

    @Test func anUnknownTopicNamesTheNearest() throws {
        let log = try TestLog()
        try log.append("orders", [(nil, [])])
        let response = api(log).respond(method: "GET", rawTarget: "/_connectd/topics/order/records", headers: Headers(), body: [])
        #expect(response.status == 404)
        #expect(String(decoding: response.body, as: UTF8.self).contains("orders"))
        let listed = try get(api(log), "/_connectd/topics")
        #expect(listed.elements?.first?["records"]?.int64 == 1)
    }

    @Test func offsetsBeyondTheEndAreRefused() throws {
        let log = try TestLog()
        try log.append("t", [(nil, [])])
        let response = api(log).respond(method: "GET", rawTarget: "/_connectd/topics/t/records?positions=0:5", headers: Headers(), body: [])
        #expect(response.status == 400)
    }
}
