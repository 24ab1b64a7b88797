internal import ConnectRuntime
internal import Glibc

/// Looks at the file that a configuration names: opens nothing, since a pipe would block whoever does.
enum FileStreamCheck {
    static func source(_ path: String?) -> [CheckFinding] {
        guard let path else { return [CheckFinding(.ok, "file.standard_input", "file", "lines come from the standard input")] }
        var found = stat()
        guard stat(path, &found) == 0 else {
            let why = errno
            if why == ENOENT {
                return [CheckFinding(.warning, "file.missing", "file", "\(path) does not exist", cost: "the task waits for it", suggestion: "check the setting file, unless somebody makes it later")]
            }
            return [CheckFinding(.error, "file.unreadable", "file", "\(path) cannot be looked at: \(String(cString: strerror(why)))", suggestion: "check the setting file and the rights of its folders", cause: .refused)]
        }
        if found.st_mode & S_IFMT == S_IFDIR { return [CheckFinding(.error, "file.is_folder", "file", "\(path) is a folder", suggestion: "name a file")] }
        if access(path, R_OK) != 0 {
            return [CheckFinding(.error, "file.unreadable", "file", "\(path) may not be read", suggestion: "give this user read access to it", cause: .refused)]
        }
        return [CheckFinding(.ok, "file.readable", "file", "\(path): \(Amounts.bytes(Int64(found.st_size)))")]
    }

    static func sink(_ path: String?) -> [CheckFinding] {
        guard let path else { return [CheckFinding(.ok, "file.standard_output", "file", "lines go to the standard output")] }
        var found = stat()
        if stat(path, &found) == 0 {
            if found.st_mode & S_IFMT == S_IFDIR { return [CheckFinding(.error, "file.is_folder", "file", "\(path) is a folder", suggestion: "name a file")] }
            if access(path, W_OK) != 0 {
                return [CheckFinding(.error, "file.unwritable", "file", "\(path) may not be written", suggestion: "give this user write access to it", cause: .refused)]
            }
            return [CheckFinding(.ok, "file.writable", "file", "\(path) is there and is appended to")]
        }
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { $0 == path.utf8.startIndex ? "/" : String(path[..<$0]) } ?? "."
        if stat(folder, &found) != 0 || found.st_mode & S_IFMT != S_IFDIR {
            return [CheckFinding(.error, "file.no_folder", "file", "the folder of \(path) does not exist: \(folder)", suggestion: "make the folder; the file in it is made by the sink")]
        }
        if access(folder, W_OK | X_OK) != 0 {
            return [CheckFinding(.error, "file.unwritable", "file", "\(path) cannot be made: its folder may not be written", suggestion: "give this user write access to \(folder)", cause: .refused)]
        }
        return [CheckFinding(.ok, "file.will_create", "file", "\(path) is made at the start")]
    }
}
