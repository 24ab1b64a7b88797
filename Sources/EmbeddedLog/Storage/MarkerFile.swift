internal import ConnectRuntime
internal import Glibc

/// The file that remembers, beside the database, how many commits there have been (D3).
///
/// SQLite takes a damaged write-ahead log for one that ends early, and says nothing. The marker says how far the log had come: it is
/// written once a commit is durable and before anybody hears of it, without a sync. A killed process leaves it exact; a power cut can only
/// leave it older. So a database behind its marker has lost commits.
final class MarkerFile: Sendable {
    struct Content: Equatable {
        var logID: [UInt8]
        var commits: Int64
    }

    private let descriptor: Int32
    private let path: String
    private let logID: [UInt8]
    /// Kept open and overwritten in place: its size never changes, so that no power cut can leave it empty.
    private init(descriptor: Int32, path: String, logID: [UInt8]) {
        self.descriptor = descriptor
        self.path = path
        self.logID = logID
    }

    deinit { close(descriptor) }

    private static let magic = Array("connectd".utf8)
    static let size = 36

    static func encode(_ content: Content) -> [UInt8] {
        var buffer = ByteBuffer(capacity: size)
        buffer.append(magic)
        buffer.append(content.logID)
        buffer.append(bigEndian: content.commits)
        buffer.append(bigEndian: CRC32C.of(buffer.bytes))
        return buffer.take()
    }

    /// `nil` for anything that is not a whole marker.
    static func decode(_ bytes: [UInt8]) -> Content? {
        guard bytes.count == size, Array(bytes[..<8]) == magic else { return nil }
        var reader = RowReader(bytes, from: 8)
        guard let logID = reader.bytes(16), let commits: Int64 = reader.integer(), let checksum: UInt32 = reader.integer(),
            checksum == CRC32C.of(Array(bytes[..<32]))
        else { return nil }
        return Content(logID: logID, commits: commits)
    }

    /// Opens an existing marker. - Throws: `.damaged` when it is not whole.
    static func open(_ path: String) throws(LogError) -> (file: MarkerFile, content: Content) {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw LogError(.fatal, "\(path) cannot be opened: \(systemMessage(errno))") }
        var bytes = [UInt8](repeating: 0, count: size + 1)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0, let content = decode(Array(bytes.prefix(count))) else {
            close(descriptor)
            throw LogError(
                .damaged, "\(path) is damaged: it cannot be told any more whether the log is complete",
                suggestion: "restore the data folder from a copy")
        }
        return (MarkerFile(descriptor: descriptor, path: path, logID: content.logID), content)
    }

    /// Makes a marker, durably.
    static func create(_ path: String, _ content: Content) throws(LogError) -> MarkerFile {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LogError(.fatal, "\(path) cannot be made: \(systemMessage(errno))") }
        let file = MarkerFile(descriptor: descriptor, path: path, logID: content.logID)
        try file.write(commits: content.commits)
        guard fsync(descriptor) == 0 else { throw LogError(.fatal, "\(path) cannot be synchronised: \(systemMessage(errno))") }
        return file
    }

    func write(commits: Int64) throws(LogError) {
        let bytes = MarkerFile.encode(Content(logID: logID, commits: commits))
        let count = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == bytes.count else { throw LogError(.fatal, "\(path) cannot be written: \(systemMessage(errno))") }
    }
}
