import Foundation
import Glibc

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
        var lines: [Line] = []
        try Self.forEach(topic: topic, dataDirectory: dataDirectory, folder: folder) { lines.append($0) }
        self.lines = lines
    }

    /// The same line by line, for topics that are larger than memory should be.
    ///
    /// Offsets of a partition rise by one from 0: nothing is missing in the middle, nothing is told twice.
    static func forEach(topic: String, dataDirectory: String, folder: String, _ body: (Line) throws -> Void) throws {
        let process = try ChildProcess(
            Environment.program, ["topics", "consume", topic, "--data-dir", dataDirectory, "--from-beginning"], output: "\(folder)/consume", directory: folder)
        guard process.wait(seconds: 300) == .exit(0) else { throw TestFailure("topics consume \(topic) did not end well: \(process.errors)") }
        guard let file = fopen(process.outputPath, "r") else { throw TestFailure("no output of topics consume") }
        var text: UnsafeMutablePointer<CChar>?, capacity = 0, next: [Int: Int64] = [:]
        defer {
            fclose(file)
            free(text)
        }
        while case let count = getline(&text, &capacity, file), count > 0, let text {
            let line = try parsed(Data(bytesNoCopy: text, count: count, deallocator: .none))
            let expected = next[line.partition, default: 0]
            if line.offset != expected { throw TestFailure("partition \(line.partition): offset \(line.offset) where \(expected) was due") }
            next[line.partition] = expected + 1
            try body(line)
        }
    }

    private static func parsed(_ text: Data) throws -> Line {
        guard let object = try JSONSerialization.jsonObject(with: text) as? [String: Any],
            let partition = object["partition"] as? Int, let offset = object["offset"] as? NSNumber
        else { throw TestFailure("topics consume printed \(String(decoding: text, as: UTF8.self))") }
        let headers = (object["headers"] as? [[String: Any]] ?? []).map { ($0["key"] as? String ?? "", known($0["value"])) }
        return Line(partition: partition, offset: offset.int64Value, key: known(object["key"]), value: known(object["value"]), headers: headers)
    }

    private static func known(_ value: Any?) -> Any? { value is NSNull ? nil : value }
}
