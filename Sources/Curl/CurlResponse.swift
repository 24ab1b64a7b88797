/// An answer, whatever its status.
public struct CurlResponse: Sendable {
    public let status: Int
    /// In their order, names as they came; none where ``CurlOptions/keepsHeaders`` wants none.
    public let headers: [(name: String, value: String)]
    /// At most ``CurlOptions/responseLimit`` bytes of it.
    public let body: [UInt8]
    /// Whether there was more than was kept.
    public let isBodyCut: Bool

    init(status: Int, headers: [(name: String, value: String)], body: [UInt8], isBodyCut: Bool) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isBodyCut = isBodyCut
    }

    /// The first header of that name (ASCII case does not matter), `nil` when there is none.
    public func header(_ name: String) -> String? {
        headers.first { pair in
            pair.name.utf8.count == name.utf8.count && zip(pair.name.utf8, name.utf8).allSatisfy { Self.lower($0) == Self.lower($1) }
        }?.value
    }

    static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
}
