internal import ConnectRuntime
internal import Glibc
internal import Synchronization

/// The folder of a log, held by one process at a time: a lock on a file of its own, taken before anything else is read (D3).
final class DataFolder: Sendable {
    let path: String
    /// −1 once released.
    private let lockDescriptor: Mutex<Int32>

    var database: String { path + "/topics.db" }
    var newDatabase: String { path + "/topics.db.new" }
    var writeAheadLog: String { path + "/topics.db-wal" }
    var marker: String { path + "/topics.marker" }

    /// - Throws: ``LogError`` `.invalid` when the folder is missing (and may not be made) or another process uses it.
    init(_ path: String, mayCreate: Bool) throws(LogError) {
        let path = path.utf8.count > 1 && path.utf8.last == UInt8(ascii: "/") ? String(path.dropLast()) : path
        guard !path.isEmpty, !path.utf8.contains(0) else { throw LogError(.invalid, "the path of the data folder is empty or holds a NUL") }
        var information = stat()
        if stat(path, &information) != 0 {
            guard mayCreate else {
                throw LogError(.invalid, "there is no data folder \(path)", suggestion: "name the folder a worker was started with (--data-dir)")
            }
            try DataFolder.make(path)
        } else if information.st_mode & S_IFMT != S_IFDIR {
            throw LogError(.invalid, "\(path) is not a folder", suggestion: "name a folder for the data")
        }
        self.path = path
        lockDescriptor = Mutex(try DataFolder.lock(path, mayCreate: mayCreate))
    }

    deinit { release() }

    /// Lets another process (or another log of this one) have the folder.
    func release() {
        lockDescriptor.withLock { descriptor in
            if descriptor >= 0 {
                // Explicitly: a child process between its fork and its exec holds a copy of the descriptor, which would keep the lock.
                _ = flock(descriptor, LOCK_UN)
                close(descriptor)
            }
            descriptor = -1
        }
    }

    /// Makes the folder and those above it; the last with mode 0700.
    private static func make(_ path: String) throws(LogError) {
        var end = path.utf8.index(after: path.utf8.startIndex)
        while end < path.utf8.endIndex {
            if path.utf8[end] == UInt8(ascii: "/") { _ = mkdir(String(path[..<end]), 0o755) }
            end = path.utf8.index(after: end)
        }
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw LogError(.invalid, "the data folder \(path) cannot be made: \(systemMessage(errno))", suggestion: "choose a folder this user may write")
        }
    }

    private static func lock(_ path: String, mayCreate: Bool) throws(LogError) -> Int32 {
        let file = path + "/topics.lock"
        if !mayCreate, size(path + "/topics.db") == nil, size(path + "/topics.marker") == nil {
            throw LogError(.invalid, "the folder \(path) holds no topics", suggestion: "name the folder a worker was started with (--data-dir)")
        }
        let descriptor = open(file, O_RDWR | O_CLOEXEC | O_CREAT, 0o600)
        guard descriptor >= 0 else {
            throw LogError(.invalid, "\(file) cannot be opened: \(systemMessage(errno))", suggestion: "run as the user who owns the folder")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let owner = holder(descriptor)
            close(descriptor)
            throw LogError(
                .invalid, "another process uses this data folder (pid \(owner)): \(path)",
                suggestion: "ask the running worker over its address (--url), or stop it first")
        }
        // Only to name the holder in the message above; the lock itself does not depend on it.
        _ = ftruncate(descriptor, 0)
        let text = Array("\(getpid())\n".utf8)
        _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        return descriptor
    }

    private static func holder(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 20)
        let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        let digits = buffer.prefix(max(0, count)).prefix { (48...57).contains($0) }
        return digits.isEmpty ? "unknown" : String(decoding: digits, as: UTF8.self)
    }

    /// Size of a file, `nil` when it is not there.
    static func size(_ path: String) -> Int64? {
        var information = stat()
        return stat(path, &information) == 0 ? Int64(information.st_size) : nil
    }

    /// Makes what was created or renamed in the folder durable.
    func synchronize() throws(LogError) { try DataFolder.synchronize(path, O_RDONLY | O_DIRECTORY, "the data folder \(path)") }

    /// Makes the content of one of its files durable, which nothing has open.
    func synchronize(file: String) throws(LogError) { try DataFolder.synchronize(file, O_RDWR, file) }

    private static func synchronize(_ path: String, _ flags: Int32, _ words: String) throws(LogError) {
        let descriptor = open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw LogError(.fatal, "\(words) cannot be opened: \(systemMessage(errno))") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw LogError(.fatal, "\(words) cannot be synchronised: \(systemMessage(errno))") }
    }
}

func systemMessage(_ code: Int32) -> String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }
