import Glibc

/// How long threads of this process have run, in nanoseconds.
enum ProcessorTime {
    static func ofThisThread() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Of the thread of that name; 0 when there is none.
    static func ofThread(_ name: String) -> Double {
        guard let folder = opendir("/proc/self/task") else { return 0 }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let number = withUnsafePointer(to: entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            guard ProcessFile.text("/proc/self/task/\(number)/comm") == name + "\n" else { continue }
            return ProcessFile.text("/proc/self/task/\(number)/schedstat").split(separator: " ").first.flatMap { Double($0) } ?? 0
        }
        return 0
    }
}

/// What this process holds in memory, as the kernel counts it.
enum ResidentMemory {
    /// 0 where the kernel does not say.
    static func kibibytes() -> Int {
        let fields = ProcessFile.text("/proc/self/statm").split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) / 1024 : 0
    }
}

/// The kernel's small files about a process.
enum ProcessFile {
    /// Empty when it cannot be read.
    static func text(_ path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        if file < 0 { return "" }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            let count = read(file, buffer.baseAddress, buffer.count)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
        }
    }
}
