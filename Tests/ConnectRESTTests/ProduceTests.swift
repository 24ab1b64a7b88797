import ConnectREST
import ConnectRuntime
import ConnectTesting
import EmbeddedLog
import Foundation
import Testing

/// Records from outside: `POST /topics/{topic}`, on the real log.
@Suite(.serialized) struct ProduceTests {
    static let settings: KeyValuePairs<Name, String> = ["webhook.enabled": "true", "webhook.topics": "in,three", "webhook.token": "token-of-the-door", "webhook.user": "ann", "webhook.password": "pass-word"]
    static let json = "application/vnd.kafka.json.v2+json", binary = "application/vnd.kafka.binary.v2+json"

    @Test func jsonRecordsAreThereWhenTheAnswerComes() async throws {
        try await onThread {
            let log = try TestLog(), api = try api(log)
            let answer = post(api, "in", #"{"records":[{"key":"a","value":{"n": 12345678901234567890.10}},{"value":[1, "ü"]},{"key":{"id":1},"value":null}]}"#)
            #expect(answer.status == 200)
            #expect(answer.headers["Content-Type"] == "application/vnd.kafka.v2+json")
            #expect(
                text(answer)
                    == #"{"key_schema_id":null,"value_schema_id":null,"offsets":[{"partition":0,"offset":0,"error_code":null,"error":null},{"partition":0,"offset":1,"error_code":null,"error":null},{"partition":0,"offset":2,"error_code":null,"error":null}]}"#)
            let found = try records(log, "in")
            #expect(found.map(\.key) == ["\"a\"", nil, #"{"id":1}"#])
            #expect(found.map { $0.value.map { String(decoding: $0, as: UTF8.self) } } == [#"{"n":12345678901234567890.10}"#, #"[1,"ü"]"#, nil])
        }
    }

    @Test func binaryRecordsAndPartitions() async throws {
        try await onThread {
            let log = try TestLog(), api = try api(log)
            _ = try log.log.createTopic(TopicSpecification("three", partitions: 3))
            let answer = post(api, "three", #"{"records":[{"key":"AAE=","value":"/w==","partition":2},{"value":"","partition":0},{"value":"AA==","partition":2}]}"#, type: Self.binary + "; charset=utf-8", authorization: "Basic YW5uOnBhc3Mtd29yZA==")
            #expect(answer.status == 200)
            let offsets = try JSON.parse(answer.body)["offsets"]?.elements ?? []
            #expect(offsets.map { [$0["partition"]?.int64, $0["offset"]?.int64] } == [[2, 0], [0, 0], [2, 1]])
            let found = try records(log, "three").sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
            #expect(found.map(\.value) == [[], [0xFF], [0]])
            let wrong = post(api, "three", #"{"records":[{"value":"AA==","partition":0},{"value":"AA==","partition":3}]}"#, type: Self.binary)
            #expect(wrong.status == 404)
            #expect(text(wrong).contains("40402"))
            #expect(try records(log, "three").count == 3, "all or none")
        }
    }

    @Test func whatIsRefusedWritesNothing() async throws {
        try await onThread {
            let log = try TestLog(), api = try api(log)
            let good = #"{"records":[{"value":1}]}"#
            let cases: [(Response, Int, Int)] = [
                (post(api, "in", good, authorization: nil), 401, 40101), (post(api, "in", good, authorization: "Bearer token-of-the-doo"), 401, 40101),
                (post(api, "in", good, authorization: "Basic YW5uOndyb25n"), 401, 40101), (post(api, "in", good, authorization: "token-of-the-door"), 401, 40101),
                (post(api, "other", good), 404, 40401), (post(api, "in", good, type: "application/json"), 415, 415), (post(api, "in", good, type: nil), 415, 415),
                (post(api, "in", "{"), 400, 400), (post(api, "in", "{}"), 422, 422), (post(api, "in", #"{"records":[]}"#), 422, 422), (post(api, "in", #"{"records":[1]}"#), 422, 422),
                (post(api, "in", #"{"records":[{"value":1,"partition":"0"}]}"#), 422, 422), (post(api, "in", #"{"records":[{"value":1,"partition":-1}]}"#), 422, 422),
                (post(api, "in", #"{"records":[{"value":1,"partition":99999999999}]}"#), 422, 422), (post(api, "in", #"{"records":[{"value":1}]}"#, type: Self.binary), 422, 422),
                (post(api, "in", #"{"records":[{"value":"%%"}]}"#, type: Self.binary), 422, 422), (post(api, "in", "", method: "GET"), 405, 405),
            ]
            for (index, (response, status, code)) in cases.enumerated() {
                #expect(response.status == status, "case \(index)")
                #expect(try JSON.parse(response.body)["error_code"]?.int64 == Int64(code), "case \(index)")
                #expect(!text(response).contains("token-of"))
            }
            #expect(cases[0].0.headers.fields.filter { $0.name == "WWW-Authenticate" }.count == 2)
            #expect(try log.log.topics().isEmpty, "not even a topic")
        }
    }

    /// What the topic or the log does not take is the client's to mend, and no harm to who comes next.
    @Test func whatTheTopicDoesNotTakeIsRefused() async throws {
        try await onThread {
            let log = try TestLog { $0.transactionByteLimit = 1 << 20 }, api = try api(log)
            _ = try log.log.createTopic(TopicSpecification("in", configuration: TopicConfiguration(isCompacted: true)))
            let large = #"{"records":[{"key":"a","value":"\#(String(repeating: "x", count: 2 << 20))"}]}"#
            for (body, words) in [(#"{"records":[{"key":"a","value":1},{"value":2}]}"#, "compacted: every record needs a key"), (large, "more than 1048576 bytes")] {
                let answer = post(api, "in", body)
                #expect(answer.status == 422 && text(answer).contains(words), "\(text(answer))")
            }
            #expect(post(api, "in", #"{"records":[{"key":"a","value":3}]}"#).status == 200)
            #expect(try records(log, "in").map { $0.value } == [Array("3".utf8)])
        }
    }

    @Test func aShutDoorIsNotThere() async throws {
        try await onThread {
            let log = try TestLog(), api = try api(log, open: false)
            #expect(post(api, "in", #"{"records":[{"value":1}]}"#).status == 404)
        }
    }

    @Test func manyClientsAtOnceGetOffsetsOfTheirOwn() async throws {
        let log = try TestLog(), api = try api(log)
        let offsets = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for _ in 0..<6 {
                group.addTask {
                    try await onThread {
                        try (0..<20).map { _ in
                            try #require(try JSON.parse(post(api, "in", #"{"records":[{"value":1}]}"#).body)["offsets"]?.elements?.first?["offset"]?.int64)
                        }
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(offsets.sorted() == (0..<120).map { Int64($0) })
    }

    @Test(arguments: [
        ["webhook.topics": "a"], ["webhook.token": "long-enough"], ["webhook.topics": "a", "webhook.token": "short"], ["webhook.topics": "a", "webhook.user": "ann"],
        ["webhook.topics": "a", "webhook.enabled": "perhaps"],
    ] as [[String: String]])
    func anOpenDoorNeedsTopicsAndASecret(_ settings: [String: String]) {
        let map = ConfigMap([ConfigMap.Entry("webhook.enabled", "true")] + settings.map { ConfigMap.Entry(Name($0.key), $0.value) })
        #expect(throws: ConnectError.self) { _ = try ProduceSettings.read(map) }
    }

    @Test func itIsShutUnlessSomebodySaysSo() throws {
        #expect(try ProduceSettings.read(ConfigMap()) == nil)
        #expect(try ProduceSettings.read(ConfigMap(["webhook.topics": "a", "webhook.token": "long-enough"])) == nil)
    }
}
