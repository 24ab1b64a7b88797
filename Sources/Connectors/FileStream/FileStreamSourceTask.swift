internal import ConnectRuntime

/// One line, one record: a STRING without key; the offset is the byte after the line.
final class FileStreamSourceTask: SourceTask {
    private var path: String?
    private var topic: Name = ""
    private var batchSize = 0
    private var context: (any SourceTaskContext)?
    private var reader: LineReader?
    private var position: Int64 = 0
    private var partition = SourcePartition([("filename", .null)])
    private static let pauseMilliseconds = 1000
    /// A batch ends with the line that exceeds this.
    private static let mostBytes = 4 << 20

    func start(_ config: Config, context: any SourceTaskContext) throws {
        path = try config.value(FileStreamSettings.sourceFile)
        topic = Name(try config.value(FileStreamSettings.topic))
        batchSize = try config.value(FileStreamSettings.batchSize)
        self.context = context
        if let path {
            partition = SourcePartition([("filename", .string(path))])
            if let stored = try context.offset(partition) {
                guard let found = try stored.members()["position"]?.int64, found >= 0 else {
                    throw ConnectError(
                        .fatal, code: "offset.malformed", "the stored source offset \(String(decoding: stored.json, as: UTF8.self)) holds no position",
                        suggestion: "stop the connector and reset its offsets")
                }
                position = found
            }
        }
    }

    func poll(into batch: inout RecordBatch) throws {
        guard let context else { return }
        if reader == nil {
            reader = if let path { try LineReader(path, from: position) } else { LineReader() }
            if reader == nil {
                context.note("waiting for \(path ?? "") to appear")
                _ = context.clock.sleep(milliseconds: Self.pauseMilliseconds, wake: context.wakeUp)
                return
            }
            context.note(nil)
        }
        guard let reader else { return }
        do {
            try read(reader, into: &batch)
        } catch {
            // Lines of a failed poll are dropped with it: read them again.
            self.reader = nil
            throw error
        }
        position = reader.position
        if batch.isEmpty { _ = context.clock.sleep(milliseconds: Self.pauseMilliseconds, wake: context.wakeUp) }
    }

    private func read(_ reader: LineReader, into batch: inout RecordBatch) throws {
        var bytes = 0
        while batch.count < batchSize, bytes < Self.mostBytes {
            let before = reader.position
            guard let line = try reader.line() else { return }
            guard let text = String(validating: line, as: UTF8.self) else {
                throw ConnectError(
                    .fatal, code: "file.not_text", "the line at byte \(before) of \(path ?? "the standard input") is not UTF-8",
                    suggestion: "correct the file, or set the connector's offset behind that line")
            }
            bytes += line.count
            batch.append(
                Record(topic: topic, valueSchema: .plain(.string), value: .string(text)), partition: partition,
                offset: path == nil ? nil : SourceOffset([("position", .integer(reader.position))]))
        }
    }

    func stop() { reader = nil }
}
