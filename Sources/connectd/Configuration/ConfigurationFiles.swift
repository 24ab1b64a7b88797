import ConnectRuntime
import Glibc

/// Reads the files and folders a command names.
enum ConfigurationFiles {
    /// Most bytes of one file.
    private static let largest = 16 << 20

    /// All connectors of all files; a folder means the `.json` and `.properties` files in it, in byte order.
    static func load(_ paths: [String]) -> (Declarations, [Finding]) {
        var all = Declarations()
        var findings: [Finding] = []
        for path in paths {
            var information = stat()
            guard stat(path, &information) == 0 else {
                findings.append(unreadable(path, errno))
                continue
            }
            if information.st_mode & S_IFMT != S_IFDIR {
                add(path, &all, &findings)
                continue
            }
            guard let files = list(path) else {
                findings.append(unreadable(path, errno))
                continue
            }
            if files.isEmpty {
                findings.append(
                    Finding("file.none", at: Finding.Place(file: path), "the folder holds no .json and no .properties file", suggestion: "name a file of connectors"))
            }
            for file in files { add(path.hasSuffix("/") ? path + file : path + "/" + file, &all, &findings) }
        }
        return (all, findings)
    }

    private static func add(_ path: String, _ all: inout Declarations, _ findings: inout [Finding]) {
        do throws(ConnectError) {
            let (declarations, more) = ConnectorFileReader.read(try FileBytes.read(path, atMost: largest), file: path)
            findings += more
            for connector in declarations.connectors {
                // Within one file the reader has said so already.
                if let earlier = all.connectors.first(where: { $0.name == connector.name }), earlier.place.file != connector.place.file {
                    findings.append(
                        Finding(
                            "config.duplicate_connector", at: connector.place,
                            "the connector \"\(connector.name)\" stands in \(earlier.place.text) already", suggestion: "rename one of the two"))
                }
                all.connectors.append(connector)
            }
            all.worker += declarations.worker
        } catch {
            findings.append(Finding(error, at: Finding.Place(file: path)))
        }
    }

    private static func unreadable(_ path: String, _ code: Int32) -> Finding {
        Finding(
            "file.unreadable", at: Finding.Place(file: path), "\(path): \(String(cString: strerror(code)))",
            suggestion: code == ENOENT ? "check the path" : "check who may read it")
    }

    private static func list(_ folder: String) -> [String]? {
        guard let directory = opendir(folder) else { return nil }
        defer { closedir(directory) }
        var names: [Name] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix("."), name.hasSuffix(".json") || name.hasSuffix(".properties") { names.append(Name(name)) }
        }
        return names.sorted().map(\.text)
    }
}
