import Glibc

/// Replaces `${provider:…}` in configurations by what it stands for (D12): in the task, on the worker that runs it, each time it starts.
///
/// `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH:KEY}` of a properties file, `${dir:FOLDER:FILE}` (also `${directory:…}`).
/// One of these that cannot be resolved is an error; any other `${…}` passes through. What was put in is not looked at again.
public struct ReferenceResolver: Sendable {
    private let environment: Environment

    public init(_ environment: Environment) { self.environment = environment }

    /// - Throws: ``ConnectError`` of kind `.configuration` that names the setting and the reference, never a value.
    public func resolve(_ map: ConfigMap) throws(ConnectError) -> ConfigMap {
        var resolved: [ConfigMap.Entry] = []
        resolved.reserveCapacity(map.entries.count)
        for entry in map.entries {
            guard let text = entry.value else {
                resolved.append(entry)
                continue
            }
            do {
                resolved.append(ConfigMap.Entry(entry.name, try resolve(text)))
            } catch {
                throw ConnectError(.configuration, code: error.code, "configuration \(entry.name): \(error.message)", suggestion: error.suggestion)
            }
        }
        return ConfigMap(resolved)
    }

    /// Whether a text is nothing but references, so that showing it shows no secret. A reference with a default holds text of its own.
    public static func isOnlyReferences(_ text: String) -> Bool {
        var rest = text.utf8[...]
        if rest.isEmpty { return false }
        while !rest.isEmpty {
            guard rest.starts(with: "${".utf8), let end = rest.firstIndex(of: UInt8(ascii: "}")) else { return false }
            let inside = String(decoding: rest[..<end], as: UTF8.self)
            guard ["${env:", "${file:", "${dir:", "${directory:"].contains(where: { inside.utf8.starts(with: $0.utf8) }) else { return false }
            rest = rest[rest.index(after: end)...]
        }
        return true
    }

    public func resolve(_ text: String) throws(ConnectError) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        var out: [UInt8] = []
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "$"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "{"),
                let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")),
                let colon = bytes[(index + 2)..<end].firstIndex(of: UInt8(ascii: ":"))
            else {
                out.append(bytes[index])
                index += 1
                continue
            }
            let provider = String(decoding: bytes[(index + 2)..<colon], as: UTF8.self)
            let rest = String(decoding: bytes[(colon + 1)..<end], as: UTF8.self)
            let reference = String(decoding: bytes[index...end], as: UTF8.self)
            if let value = try value(provider, rest, reference) {
                out.append(contentsOf: value.utf8)
            } else {
                out.append(contentsOf: bytes[index...end])
            }
            index = end + 1
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// `nil`: none of our providers.
    private func value(_ provider: String, _ rest: String, _ reference: String) throws(ConnectError) -> String? {
        switch provider {
        case "env":
            let bytes = Array(rest.utf8)
            let split = bytes.indices.first { $0 + 1 < bytes.count && bytes[$0] == UInt8(ascii: ":") && bytes[$0 + 1] == UInt8(ascii: "-") }
            let name = split.map { String(decoding: bytes[..<$0], as: UTF8.self) } ?? rest
            if let value = environment[Name(name)] { return value }
            if let split { return String(decoding: bytes[(split + 2)...], as: UTF8.self) }
            throw ConnectError(
                .configuration, code: "env.undefined", "\(name) is not set in the worker's environment",
                suggestion: "set it before the worker starts, or write ${env:\(name):-default}")
        case "file":
            let (path, key) = try Self.pathAndKey(rest, reference)
            let properties = try Properties.parse(String(decoding: Self.read(path, reference), as: UTF8.self), of: path)
            guard let value = properties.text(Name(key)) else {
                throw ConnectError(.configuration, code: "file.undefined", "\(path) has no property \(key), which \(reference) asks for")
            }
            return value
        case "dir", "directory":
            let (folder, file) = try Self.pathAndKey(rest, reference)
            if file.isEmpty || file.utf8.contains(UInt8(ascii: "/")) || file == ".." || file == "." {
                throw ConnectError(.configuration, code: "directory.not_a_file", "\(reference) must name a file directly in \(folder)")
            }
            return String(decoding: try Self.read(folder + "/" + file, reference), as: UTF8.self)
        default: return nil
        }
    }

    private static func pathAndKey(_ rest: String, _ reference: String) throws(ConnectError) -> (String, String) {
        guard let colon = rest.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            throw ConnectError(.configuration, code: "config.reference", "\(reference) needs a path and a key, separated by a colon")
        }
        return (String(rest[..<colon]), String(rest[rest.utf8.index(after: colon)...]))
    }

    private static func read(_ path: String, _ reference: String) throws(ConnectError) -> [UInt8] {
        do {
            return try FileBytes.read(path, atMost: largestFile)
        } catch {
            throw ConnectError(.configuration, code: "file.unreadable", "\(path), which \(reference) names, cannot be read: \(error.message)")
        }
    }

    private static let largestFile = 1 << 20
}
