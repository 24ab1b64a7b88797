import ConnectRuntime
import Connectors
import Crypto
import Testing

/// The key against its definition, written down the plain way: endpoints remember keys, so none may ever change.
struct IdempotencyKeyTests {
    private let topicID = TopicID([UInt8](repeating: 7, count: 16)) ?? .random()

    private func defined(_ cluster: String, _ topic: String, _ partition: Int32, _ offset: Int64) -> String {
        Base64.urlSafe(SHA256.hash(Array([cluster, topic, topicID.description, String(partition), String(offset)].joined(separator: "\0").utf8)))
    }

    @Test(arguments: [("c", "t"), ("cluster-with-a-long-name", "orders"), ("", "ö"), (String(repeating: "x", count: 300), String(repeating: "y", count: 249))])
    func asDefined(_ cluster: String, _ topic: String) {
        let maker = IdempotencyKeyMaker(clusterID: cluster, partition: TopicPartition(Name(topic), 3), topicID: topicID, digester: SHA256Digester())
        // Long, short, long again: nothing of the offset before may stay.
        for offset in [0, 1, 9, 10, 99, 100, 12_345, 999_999_999, Int64.max, 7, 4_294_967_296, 0] {
            let key = maker.key(offset: offset)
            #expect(key.text == defined(cluster, topic, 3, offset))
            #expect(key.text.utf8.count == IdempotencyKey.length)
            #expect(key.text(after: "Idempotency-Key: ") == "Idempotency-Key: " + key.text)
            #expect(key == maker.key(offset: offset))
        }
        #expect(IdempotencyKey.combined([maker.key(offset: 1), maker.key(offset: 2)]) == Base64.urlSafe(SHA256.hash(Array("\(defined(cluster, topic, 3, 1))\0\(defined(cluster, topic, 3, 2))".utf8))))
    }
}
