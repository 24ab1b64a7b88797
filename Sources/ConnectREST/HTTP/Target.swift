import ConnectRuntime

/// A request target taken apart: path segments and query, percent-decoded after splitting, so that a `%2F` stays inside its name.
public struct Target: Sendable, Hashable {
    /// Decoded segments, without the empty one of a trailing slash; empty for `/`.
    public let segments: [String]
    public let query: [Item]

    public struct Item: Sendable, Hashable {
        public let name: String
        public let value: String
    }

    /// Why a target is none.
    public struct Malformed: Error, Sendable, Hashable {
        public let message: String
    }

    /// - Parameter raw: as it stood in the request line.
    public init(raw: String) throws(Malformed) {
        let bytes = Array(raw.utf8)
        guard bytes.first == UInt8(ascii: "/") else {
            throw Malformed(message: "The request target must be a path that starts with '/'")
        }
        let end = bytes.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? bytes.count
        var pieces = bytes[1..<end].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if pieces.last?.isEmpty == true { pieces.removeLast() }
        var segments: [String] = []
        for piece in pieces {
            if piece.isEmpty { throw Malformed(message: "The path has an empty segment: two slashes in a row") }
            segments.append(try PercentEncoding.decode(piece, plusIsSpace: false))
        }
        self.segments = segments

        var query: [Item] = []
        if end < bytes.count, bytes[end] == UInt8(ascii: "?") {
            let text = bytes[(end + 1)...].prefix { $0 != UInt8(ascii: "#") }
            for piece in text.split(separator: UInt8(ascii: "&")) {
                let parts = piece.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                let name = try PercentEncoding.decode(parts[0], plusIsSpace: true)
                query.append(Item(name: name, value: parts.count > 1 ? try PercentEncoding.decode(parts[1], plusIsSpace: true) : ""))
            }
        }
        self.query = query
    }

    public func values(_ name: String) -> [String] { query.filter { equalBytes($0.name, name) }.map(\.value) }

    public func value(_ name: String) -> String? { values(name).first }

    /// A yes or no of the query in any case; anything else, and absence, is the default.
    public func flag(_ name: String, default absent: Bool = false) -> Bool {
        guard let value = value(name) else { return absent }
        return value.lowercased() == "true"
    }
}
