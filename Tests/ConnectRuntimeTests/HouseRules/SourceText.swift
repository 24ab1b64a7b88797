import Foundation

/// The repository's files as text, for rules that no compiler checks.
enum SourceText {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Files below folders of the repository with one of the endings, by path relative to its root.
    static func files(under folders: [String], endings: [String] = [".swift"]) -> [SourceFile] {
        var files: [SourceFile] = []
        for folder in folders {
            guard let paths = FileManager.default.enumerator(atPath: root.appending(path: folder).path) else { continue }
            for case let path as String in paths where endings.contains(where: path.hasSuffix) && !path.contains(".build/") {
                guard let text = try? String(contentsOf: root.appending(path: "\(folder)/\(path)"), encoding: .utf8) else { continue }
                files.append(SourceFile(path: "\(folder)/\(path)", text: text))
            }
        }
        return files.sorted { $0.path < $1.path }
    }

    static let sources = files(under: ["Sources"])
}

/// One file, its lines as written and with comments and the content of strings blanked out.
struct SourceFile: Sendable {
    let path: String
    let lines: [String]
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        code = Self.blanked(Array(text.utf8)).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Where a text stands in the code, as `path:line`, for the failure's message.
    func places(of word: String) -> [String] {
        code.indices.filter { code[$0].contains(word) }.map { "\(path):\($0 + 1)" }
    }

    /// Modules named by import lines.
    var imports: [String] {
        code.compactMap { line in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index <= 2, index + 1 < words.count else { return nil }
            return words[words.count - 1].split(separator: ".").first.map(String.init)
        }
    }

    private static func blanked(_ text: [UInt8]) -> [UInt8] {
        let slash = UInt8(ascii: "/"), star = UInt8(ascii: "*"), quote = UInt8(ascii: "\""), hash = UInt8(ascii: "#"), escape = UInt8(ascii: "\\")
        let newline = UInt8(ascii: "\n"), space = UInt8(ascii: " ")
        var result = text
        var index = 0
        func starts(_ bytes: [UInt8], at index: Int) -> Bool { index + bytes.count <= text.count && text[index..<index + bytes.count].elementsEqual(bytes) }
        func blank(to end: Int) {
            while index < min(end, text.count) {
                if text[index] != newline { result[index] = space }
                index += 1
            }
        }
        while index < text.count {
            if starts([slash, slash], at: index) {
                blank(to: text[index...].firstIndex(of: newline) ?? text.count)
            } else if starts([slash, star], at: index) {
                var depth = 1, end = index + 2
                while end < text.count, depth > 0 {
                    if starts([slash, star], at: end) { depth += 1; end += 2 } else if starts([star, slash], at: end) { depth -= 1; end += 2 } else { end += 1 }
                }
                blank(to: end)
            } else if text[index] == quote || (text[index] == hash && text[index...].drop(while: { $0 == hash }).first == quote) {
                let hashes = text[index...].prefix { $0 == hash }.count
                let opening = index + hashes
                let quotes = starts([quote, quote, quote], at: opening) ? 3 : 1
                let closing = [UInt8](repeating: quote, count: quotes) + [UInt8](repeating: hash, count: hashes)
                let escaping = [escape] + [UInt8](repeating: hash, count: hashes)
                var end = opening + quotes
                while end < text.count, !starts(closing, at: end), quotes == 3 || text[end] != newline {
                    end += starts(escaping, at: end) ? escaping.count + 1 : 1
                }
                blank(to: end + closing.count)
            } else {
                index += 1
            }
        }
        return result
    }
}
