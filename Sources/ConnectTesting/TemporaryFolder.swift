import ConnectRuntime
import Glibc

/// A folder of its own for one test; removed with everything in it when the object goes.
public final class TemporaryFolder: Sendable {
    public let path: String

    /// - Throws: ``ConnectError`` when the folder for temporary files takes none.
    public init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/connectd-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw ConnectError(.fatal, code: "test.no_folder", "no temporary folder in \(parent) (error \(errno))")
        }
        path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? parent }
    }

    deinit { Self.removeTree(path) }

    /// Links are removed, never followed. What cannot be removed stays: a test's end is no place to fail.
    private static func removeTree(_ path: String) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return }
        if facts.st_mode & S_IFMT == S_IFDIR, let folder = opendir(path) {
            var names: [String] = []
            while let entry = readdir(folder) {
                names.append(withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } })
            }
            closedir(folder)
            for name in names where name != "." && name != ".." { removeTree("\(path)/\(name)") }
        }
        remove(path)
    }

    /// The path of a file in it.
    public func file(_ name: String) -> String { "\(path)/\(name)" }
}
