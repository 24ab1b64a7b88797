import Testing

/// Rooms of the runtime use only rooms above them: types declared in a lower room do not appear in a higher one.
@Suite struct RoomOrderTests {
    /// Highest first; rooms of one line may use each other.
    static let order: [[String]] = [
        ["Data", "Errors", "JSON", "Logging", "Metrics", "Services"],
        ["Config"],
        ["TopicLog", "Stores", "Plugins"],
        ["Regex", "Transforms", "Converters", "Sinks"],
        ["Worker"],
        ["Herder"],
    ]

    @Test func everyRoomHasItsPlace() {
        let known = Set(Self.order.joined())
        let rooms = Set(Self.files.map(\.runtimeRoom))
        #expect(rooms.subtracting(known).isEmpty)
    }

    @Test func noRoomUsesOneBelowIt() {
        var home: [String: String] = [:]
        for file in Self.files { for name in file.declaredTypes { home[name] = file.runtimeRoom } }
        let rank = Dictionary(uniqueKeysWithValues: Self.order.enumerated().flatMap { rank, rooms in rooms.map { ($0, rank) } })
        for file in Self.files {
            guard let own = rank[file.runtimeRoom] else { continue }
            let below = file.identifiers.filter { name in home[name].flatMap { rank[$0] }.map { $0 > own } ?? false }
            #expect(below.isEmpty, "\(file.path) uses \(below.sorted().map { "\(home[$0] ?? "")/\($0)" })")
        }
    }

    private static let files = SourceText.sources.filter { $0.path.hasPrefix("Sources/ConnectRuntime/") }
}

extension SourceFile {
    fileprivate var runtimeRoom: String {
        let parts = path.split(separator: "/")
        return parts.count > 3 ? String(parts[2]) : "(none)"
    }

    /// Types declared at the top level; members' names may repeat elsewhere.
    fileprivate var declaredTypes: [String] {
        code.compactMap { line in
            guard let first = line.first, first != " " else { return nil }
            let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            guard let index = words.firstIndex(where: { ["struct", "class", "enum", "protocol", "actor"].contains($0) }), index + 1 < words.count,
                !line.contains("private")
            else { return nil }
            return String(words[index + 1])
        }
    }

    /// Words with a capital that do not follow a dot.
    fileprivate var identifiers: Set<String> {
        var found: Set<String> = []
        for line in code {
            var word = "", before: UInt8 = 32, startedAfter: UInt8 = 32
            for byte in line.utf8 {
                let isWord = (byte | 32) &- 97 < 26 || byte &- 48 < 10 || byte == 95
                if isWord {
                    if word.isEmpty { startedAfter = before }
                    word.unicodeScalars.append(Unicode.Scalar(byte))
                } else if !word.isEmpty {
                    if startedAfter != UInt8(ascii: "."), word.utf8.first.map({ $0 &- 65 < 26 }) ?? false { found.insert(word) }
                    word = ""
                }
                before = byte
            }
            if !word.isEmpty, startedAfter != UInt8(ascii: "."), word.utf8.first.map({ $0 &- 65 < 26 }) ?? false { found.insert(word) }
        }
        return found
    }
}
