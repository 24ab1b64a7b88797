internal import ConnectRuntime
internal import Glibc

/// Who holds a database file's write lock, by the kernel's list of locks: asking the file itself would mean taking the lock.
package enum SqliteWriters {
    /// Where the lock of the one who writes lies: in WAL mode in the -shm file, else in the database file (SQLite's file format, "locking").
    private static let sharedMemoryByte: Int64 = 120
    private static let reservedByte: Int64 = 0x4000_0001
    private static let looks = 4

    /// The process that had it each time, over so long; `nil` when there is none.
    package static func busy(_ path: String, milliseconds: Int) -> Int? {
        guard var same = holders(path) else { return nil }
        let pause = WakeUp()
        for _ in 1..<looks where !same.isEmpty {
            _ = pause.wait(milliseconds: milliseconds / (looks - 1))
            same.formIntersection(holders(path) ?? [])
        }
        return same.min()
    }

    /// `nil` where the kernel does not tell.
    private static func holders(_ path: String) -> Set<Int>? {
        guard let text = SqliteWriters.read("/proc/locks") else { return nil }
        return processes(inLocks: text, places: [(FileIdentity(path + "-shm")?.inode, sharedMemoryByte), (FileIdentity(path)?.inode, reservedByte)])
    }

    /// - Parameters:
    ///   - text: lines such as `1: POSIX  ADVISORY  WRITE 4711 08:01:131089 120 120`.
    ///   - places: inodes, and the byte in each.
    package static func processes(inLocks text: String, places: [(inode: UInt64?, byte: Int64)]) -> Set<Int> {
        var found: Set<Int> = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            // A line of somebody who waits has an arrow behind its number.
            guard words.count == 8, words[1] == "POSIX" || words[1] == "OFDLCK", words[3] == "WRITE", let process = Int(words[4]), process > 0,
                let inode = words[5].split(separator: ":").last.flatMap({ UInt64($0) }), let first = Int64(words[6]), let last = words[7] == "EOF" ? Int64.max : Int64(words[7])
            else { continue }
            if places.contains(where: { $0.inode == inode && first <= $0.byte && $0.byte <= last }) { found.insert(process) }
        }
        return found
    }

    /// A file of the kernel's, which has no length before it is read.
    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = [], chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count < 16 << 20 {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count <= 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
