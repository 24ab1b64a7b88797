import ConnectTesting
import Glibc
import PostgresTesting

/// The processor time of a PostgreSQL server's processes and of this one.
struct ServerProcesses {
    private let postmaster: Int

    init(_ server: PostgresServer) throws {
        guard let first = Self.words(of: "\(server.folder)/data/postmaster.pid").first, let number = Int(first) else { throw Wrong("the server has no postmaster.pid") }
        postmaster = number
    }

    /// Sleeps; what was used meanwhile, in percent of one core.
    func usedWhileResting(_ seconds: UInt32) throws -> (ours: Double, server: Double) {
        let began = monotonicNanoseconds(), before = nanoseconds(), oursBefore = Self.ownNanoseconds()
        var left = seconds
        while left > 0 { left = sleep(left) }
        let ours = Self.ownNanoseconds() - oursBefore, after = nanoseconds(), whole = Double(monotonicNanoseconds() - began)
        if before.isEmpty { throw Wrong("this system does not tell what processes use") }
        let server = after.reduce(UInt64(0)) { $0 + $1.value - (before[$1.key] ?? 0) }
        return (Double(ours) / whole * 100, Double(server) / whole * 100)
    }

    /// By process, of the postmaster and its children.
    private func nanoseconds() -> [Int: UInt64] {
        var used: [Int: UInt64] = [:]
        guard let folder = opendir("/proc") else { return used }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            // The parent is the second word behind the program's name in brackets.
            guard let process = Int(name), let parent = Self.words(of: "/proc/\(process)/stat", after: ")").dropFirst().first.flatMap({ Int($0) }),
                process == postmaster || parent == postmaster, let time = Self.words(of: "/proc/\(process)/schedstat").first.flatMap({ UInt64($0) })
            else { continue }
            used[process] = time
        }
        return used
    }

    private static func ownNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func words(of path: String, after mark: Character? = nil) -> [Substring] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        let text = Substring(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        let rest = mark.flatMap { text.lastIndex(of: $0) }.map { text[text.index(after: $0)...] } ?? text
        return rest.split { $0 == " " || $0 == "\n" }
    }
}
