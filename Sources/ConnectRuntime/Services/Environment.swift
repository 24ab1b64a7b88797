import CLinux

/// The process's environment as it was at start: read once, before other threads run.
public struct Environment: Sendable {
    private let values: [Name: String]

    public init(_ values: [Name: String]) { self.values = values }

    /// Reads the real one. Variables whose text is not UTF-8 are left out.
    public static func ofProcess() -> Environment {
        var values: [Name: String] = [:]
        guard var next = connectd_environment() else { return Environment(values) }
        while let entry = next.pointee {
            if let text = String(validatingCString: entry), let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) {
                values[Name(text[..<equals])] = String(text[text.utf8.index(after: equals)...])
            }
            next += 1
        }
        return Environment(values)
    }

    public subscript(name: Name) -> String? { values[name] }

    /// Variables that begin with `prefix`, the prefix removed, in byte order.
    public func starting(with prefix: String) -> [(name: Name, value: String)] {
        values.compactMap { name, value in
            name.text.utf8.starts(with: prefix.utf8)
                ? (Name(String(decoding: name.text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)), value) : nil
        }.sorted { $0.name < $1.name }
    }
}
