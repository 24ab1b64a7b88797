package import ConnectRuntime
import Crypto

/// Names a record for ever: the same on every try and after every restart, another for a topic that was deleted and made again.
///
/// `base64url(sha256(cluster id, topic, topic id, partition, offset))`, the parts as text with a zero byte between them.
package struct IdempotencyKey: Sendable {
    private let head: [UInt8]

    package init(clusterID: String, partition: TopicPartition, topicID: TopicID) {
        var head: [UInt8] = []
        for part in [clusterID, partition.topic.text, topicID.description, String(partition.partition)] {
            head += part.utf8
            head.append(0)
        }
        self.head = head
    }

    package func key(offset: Int64) -> String {
        var bytes = head
        bytes.append(contentsOf: String(offset).utf8)
        return Base64.urlSafe(SHA256.hash(bytes))
    }

    /// Names a list of records: another list, or another order, gets another name.
    package static func combined(_ keys: [String]) -> String { Base64.urlSafe(SHA256.hash(Array(keys.joined(separator: "\0").utf8))) }
}
