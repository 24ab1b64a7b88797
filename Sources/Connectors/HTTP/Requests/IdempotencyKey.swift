package import ConnectRuntime
package import Crypto

/// Names a record for ever: the same on every try and after every restart, another for a topic that was deleted and made again.
///
/// `base64url(sha256(cluster id, topic, topic id, partition, offset))`, the parts as text with a zero byte between them.
package struct IdempotencyKey: Sendable, Hashable {
    private let hash: SHA256Words

    /// Characters of its text.
    package static let length = 43

    fileprivate init(_ hash: SHA256Words) { self.hash = hash }

    /// Lends the text.
    package func withText<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.length + 1) { text in
            guard let target = text.baseAddress else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
            let count = withUnsafeBytes(of: hash) { Base64.encodeURLSafe($0.assumingMemoryBound(to: UInt8.self), to: target) }
            return try body(UnsafeRawBufferPointer(start: target, count: count))
        }
    }

    package var text: String { text(after: "") }

    /// The text behind another one: a header's line in one piece.
    package func text(after prefix: String) -> String {
        withText { key in
            String(unsafeUninitializedCapacity: prefix.utf8.count + key.count) { target in
                var count = target.initialize(fromContentsOf: prefix.utf8)
                count = target[count...].initialize(fromContentsOf: key)
                return count
            }
        }
    }

    /// Names a list of records: another list, or another order, gets another name.
    package static func combined(_ keys: [IdempotencyKey]) -> String { Base64.urlSafe(SHA256.hash(Array(keys.map(\.text).joined(separator: "\0").utf8))) }
}

/// Makes the keys of one partition's records. For one thread.
package final class IdempotencyKeyMaker {
    /// Everything but the offset, and behind it room for one.
    private var bytes: [UInt8]
    private let headCount: Int
    private let digester: SHA256Digester

    /// - Parameter digester: shared by the makers of one thread.
    package init(clusterID: String, partition: TopicPartition, topicID: TopicID, digester: SHA256Digester) {
        var head: [UInt8] = []
        for part in [clusterID, partition.topic.text, topicID.description, String(partition.partition)] {
            head += part.utf8
            head.append(0)
        }
        headCount = head.count
        bytes = head + [UInt8](repeating: 0, count: 20)
        self.digester = digester
    }

    package func key(offset: Int64) -> IdempotencyKey {
        bytes.withUnsafeMutableBytes { all in
            guard let start = all.baseAddress else { return IdempotencyKey(SHA256Words()) }
            // An offset is never negative; its digits are written from behind, then moved up to the head.
            var rest = offset.magnitude, first = all.count
            repeat {
                first -= 1
                all[first] = UInt8(truncatingIfNeeded: 48 + rest % 10)
                rest /= 10
            } while rest > 0
            let count = all.count - first
            (start + headCount).copyMemory(from: start + first, byteCount: count)
            return IdempotencyKey(digester.hash(UnsafeRawBufferPointer(start: start, count: headCount + count)))
        }
    }
}
