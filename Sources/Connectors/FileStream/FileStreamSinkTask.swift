internal import ConnectRuntime
internal import Glibc

/// Strings are written raw, everything else as one line of JSON. What was written is synced before its offsets are committed;
/// lines after the last commit come again after a crash.
final class FileStreamSinkTask: SinkTask {
    private var path: String?
    private var descriptor: Int32 = -1
    private var buffer = ByteBuffer(capacity: 64 << 10)
    private var isDirty = false

    func start(_ config: Config, context: any SinkTaskContext) throws {
        path = try config.value(FileStreamSettings.sinkFile)
        guard let path else {
            descriptor = STDOUT_FILENO
            return
        }
        descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        if descriptor < 0 {
            throw ConnectError(
                .fatal, code: "file.unwritable", "cannot open \(path) for writing: \(String(cString: strerror(errno)))", suggestion: "check the setting file and the folder's rights")
        }
    }

    func put(_ batch: RecordBatch) throws {
        buffer.removeAll()
        for entry in batch.entries {
            let before = buffer.count
            do {
                try PlainText.write(schema: entry.record.valueSchema, value: entry.record.value, into: &buffer)
            } catch {
                buffer.truncate(to: before)
                throw error
            }
            buffer.append(UInt8(ascii: "\n"))
        }
        try write()
    }

    /// All of the buffer, or nothing of it: half a batch is cut off again.
    private func write() throws {
        let start = path == nil ? -1 : lseek(descriptor, 0, SEEK_END)
        var written = 0
        while written < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written) }
            if count < 0 {
                if errno == EINTR { continue }
                let reason = String(cString: strerror(errno))
                if start >= 0 { _ = ftruncate(descriptor, start) }
                throw ConnectError(.retriable, code: "file.unwritable", "cannot write to \(path ?? "the standard output"): \(reason)")
            }
            written += count
        }
        if written > 0 { isDirty = true }
    }

    func preCommit(_ offsets: [TopicPartition: CommittedOffset]) throws -> [TopicPartition: CommittedOffset] {
        if isDirty, path != nil, fdatasync(descriptor) != 0 {
            throw ConnectError(
                .fatal, code: "file.sync_failed", "\(path ?? "") could not be synced to the disk: \(String(cString: strerror(errno)))",
                suggestion: "what was written since the last commit may be lost: check the disk, then restart the task")
        }
        isDirty = false
        return offsets
    }

    func stop() {
        if path != nil, descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }
}
