import ConnectRuntime
import Glibc

/// The demonstration's own folder; nothing is written outside it.
struct QuickstartFolder {
    let path: String

    init(_ environment: Environment) throws {
        let parent = environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/connectd-quickstart-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw FindingsError(
                findings: [
                    Finding(
                        "quickstart.folder", "no folder can be made in \(parent): \(String(cString: strerror(errno)))",
                        suggestion: "set TMPDIR to a folder this user may write")
                ], exitCode: .environment)
        }
        path = template.withUnsafeBufferPointer { buffer in buffer.baseAddress.map { String(cString: $0) } ?? parent }
    }

    func file(_ name: String) -> String { path + "/" + name }

    func remove() { Self.removeTree(path) }

    /// Links are removed, never followed.
    private static func removeTree(_ path: String) {
        var information = stat()
        guard lstat(path, &information) == 0 else { return }
        if information.st_mode & S_IFMT == S_IFDIR, let directory = opendir(path) {
            var names: [String] = []
            while let entry = readdir(directory) {
                names.append(
                    withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } })
            }
            closedir(directory)
            for name in names where name != "." && name != ".." { removeTree(path + "/" + name) }
        }
        Glibc.remove(path)
    }
}
