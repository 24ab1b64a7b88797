internal import ConnectRuntime
internal import Glibc

/// Tells a folder, a pipe or a device from what can be a database. A path that leads nowhere passes.
func checkIsRegularFile(_ path: String) throws {
    var found = stat()
    guard stat(path, &found) == 0, found.st_mode & S_IFMT != S_IFREG else { return }
    throw ConnectError(
        .fatal, code: "sqlite.not_a_file", "\(path) is \(found.st_mode & S_IFMT == S_IFDIR ? "a folder" : "no regular file")",
        suggestion: "name the database file itself in connection.url")
}
