/// An answer, whatever its status.
public struct CurlResponse: Sendable {
    public let status: Int
    /// Header lines as they came, without the status line: mostly nobody asks for them.
    private let headerBytes: [UInt8]
    /// At most ``CurlOptions/responseLimit`` bytes of it.
    public let body: [UInt8]
    /// Whether there was more than was kept.
    public let isBodyCut: Bool

    init(status: Int, headerBytes: [UInt8], body: [UInt8], isBodyCut: Bool) {
        self.status = status
        self.headerBytes = headerBytes
        self.body = body
        self.isBodyCut = isBodyCut
    }

    /// In their order, names as they came.
    public var headers: [(name: String, value: String)] {
        headerBytes.split(separator: 0x0A).compactMap { line in
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            return (Self.trimmed(line[..<colon]), Self.trimmed(line[line.index(after: colon)...]))
        }
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The first header of that name (ASCII case does not matter), `nil` when there is none.
    public func header(_ name: String) -> String? {
        headers.first { pair in
            pair.name.utf8.count == name.utf8.count && zip(pair.name.utf8, name.utf8).allSatisfy { Self.lower($0) == Self.lower($1) }
        }?.value
    }

    static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
}
