import Glibc

/// One request. Built anew for each exchange.
public struct CurlRequest: Sendable {
    public var method: String
    public var url: String
    /// Lines of the form `Name: value`. Whoever builds them refuses CR and LF (``CurlRequest/isSafe(headerLine:)``); a line that has any is left out here.
    public var headers: [String]
    /// One more line behind those, which may differ in every request while they stay the same list: then only this one is looked at.
    public var lastHeader: String?
    /// `nil` sends none (not even a length); an empty one sends a length of 0.
    public var body: [UInt8]?

    public init(method: String = "GET", url: String, headers: [String] = [], lastHeader: String? = nil, body: [UInt8]? = nil) {
        self.method = method
        self.url = url
        self.headers = headers
        self.lastHeader = lastHeader
        self.body = body
    }

    /// Whether a line can be sent as one header: no CR, LF or NUL that would begin another.
    public static func isSafe(headerLine: String) -> Bool {
        let isSafe: Bool? = headerLine.utf8.withContiguousStorageIfAvailable { bytes in
            guard let start = bytes.baseAddress else { return true }
            return memchr(start, 0x0D, bytes.count) == nil && memchr(start, 0x0A, bytes.count) == nil && memchr(start, 0, bytes.count) == nil
        }
        return isSafe ?? headerLine.utf8.allSatisfy { $0 != 0x0D && $0 != 0x0A && $0 != 0 }
    }
}
