import Foundation

/// What `connectd topics consume` printed of one topic.
struct TopicDump {
    struct Line {
        let partition: Int
        let offset: Int64
        let key: Any?
        let value: Any?
        let headers: [(key: String, value: Any?)]

        /// A field of the value's envelope: `before`, `after`, `source`.
        func part(_ name: String) -> [String: Any]? { (value as? [String: Any])?[name] as? [String: Any] }
        var operation: String? { (value as? [String: Any])?["op"] as? String }
    }
    /// In the order printed: by partition the order of their offsets.
    let lines: [Line]

    /// Reads a whole topic of a stopped worker's folder.
    init(topic: String, dataDirectory: String, folder: String) throws {
        let finished = try ChildProcess.run(
            ["topics", "consume", topic, "--data-dir", dataDirectory, "--from-beginning"], in: folder, name: "consume", seconds: 300)
        guard finished.ending == .exit(0) else { throw TestFailure("topics consume \(topic): \(finished.ending): \(finished.errors)") }
        lines = try finished.output.split(separator: "\n").map { line in
            guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let partition = object["partition"] as? Int, let offset = object["offset"] as? NSNumber
            else { throw TestFailure("topics consume printed \(line)") }
            let headers = (object["headers"] as? [[String: Any]] ?? []).map { ($0["key"] as? String ?? "", Self.known($0["value"])) }
            return Line(partition: partition, offset: offset.int64Value, key: Self.known(object["key"]), value: Self.known(object["value"]), headers: headers)
        }
        try checkOffsets()
    }

    /// Offsets of a partition rise by one from 0: nothing is missing in the middle, nothing is told twice.
    private func checkOffsets() throws {
        var next: [Int: Int64] = [:]
        for line in lines {
            let expected = next[line.partition, default: 0]
            if line.offset != expected { throw TestFailure("partition \(line.partition): offset \(line.offset) where \(expected) was due") }
            next[line.partition] = expected + 1
        }
    }

    private static func known(_ value: Any?) -> Any? { value is NSNull ? nil : value }
}
