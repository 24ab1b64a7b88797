import ConnectREST
import ConnectRuntime
import ConnectTesting

/// The door on a log, and what a client does with it.
extension ProduceTests {
    func api(_ log: TestLog, open: Bool = true, patienceMilliseconds: Int = 30_000) throws -> RestAPI {
        let settings = open ? try ProduceSettings.read(ConfigMap(Self.settings)) : nil
        return RestAPI(
            herder: ScriptedHerder(), log: log.log, browserGuard: BrowserGuard(allowedHosts: []), version: "0", produceDoor: settings.map { ProduceDoor($0, log: log.log, patienceMilliseconds: patienceMilliseconds) })
    }

    func post(_ api: RestAPI, _ topic: String, _ body: String, type: String? = json, authorization: String? = "Bearer token-of-the-door", method: String = "POST") -> Response {
        var headers = Headers(["Host": "127.0.0.1"])
        if let type { headers.add("Content-Type", type) }
        if let authorization { headers.add("Authorization", authorization) }
        return api.respond(method: method, rawTarget: "/topics/\(topic)", headers: headers, body: Array(body.utf8))
    }

    func text(_ response: Response) -> String { String(decoding: response.body, as: UTF8.self) }

    func records(_ log: TestLog, _ topic: Name) throws -> [(partition: Int32, offset: Int64, key: String?, value: [UInt8]?)] {
        var found: [(partition: Int32, offset: Int64, key: String?, value: [UInt8]?)] = []
        let reader = try TopicReader(topic, start: .earliest, group: nil, log: log.log)
        while case let all = try reader.next(maximumBytes: 1 << 20, milliseconds: 0), !all.isEmpty {
            for records in all {
                for index in 0..<records.records.count {
                    found.append((records.topicPartition.partition, records.records.items[index].offset, records.records.key(at: index)?.utf8Text, records.records.value(at: index)?.array))
                }
            }
        }
        return found
    }
}
