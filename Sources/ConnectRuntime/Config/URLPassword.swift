/// Finds the secrets inside a URL: after the user (`scheme://user:password@host`) or as a parameter (`?password=…`, `?api_key=…`).
package enum URLPassword {
    static func hide(_ text: String) -> String {
        let bytes = Array(text.utf8)
        return HiddenRanges.hide(bytes, ranges(bytes))
    }

    /// The secrets themselves, as they are written there: for whoever must not repeat them.
    package static func secrets(in text: String) -> [String] {
        let bytes = Array(text.utf8)
        return ranges(bytes).map { String(decoding: bytes[$0], as: UTF8.self) }.filter { !$0.isEmpty }
    }

    /// Puts the passwords of `old` where `text` says `[hidden]`; `nil` when they do not stand in the same number of places.
    static func restore(_ text: String, from old: String) -> String? {
        let bytes = Array(text.utf8), oldBytes = Array(old.utf8)
        return HiddenRanges.restore(bytes, ranges(bytes), from: oldBytes, ranges(oldBytes))
    }

    /// `host:port` of a URL, empty when the text is none.
    static func host(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard let authority = authority(bytes) else { return "" }
        let at = bytes[authority].lastIndex(of: UInt8(ascii: "@"))
        return String(decoding: bytes[(at.map { $0 + 1 } ?? authority.lowerBound)..<authority.upperBound], as: UTF8.self)
    }

    private static func authority(_ bytes: [UInt8]) -> Range<Int>? {
        let mark = Array("://".utf8)
        guard bytes.count > 3, let start = (0...(bytes.count - 3)).first(where: { bytes[$0..<($0 + 3)].elementsEqual(mark) }) else { return nil }
        let from = start + 3
        let ends: Set<UInt8> = [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: ";")]
        var to = bytes[from...].firstIndex { ends.contains($0) } ?? bytes.count
        // A slash inside a password: the user's part still ends at the last "@" before the query.
        let query = bytes[from...].firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
        if let at = bytes[from..<query].lastIndex(of: UInt8(ascii: "@")), at > to {
            to = bytes[at...].firstIndex { ends.contains($0) } ?? bytes.count
        }
        return from..<to
    }

    private static func ranges(_ bytes: [UInt8]) -> [Range<Int>] {
        let authority = authority(bytes)
        var found: [Range<Int>] = []
        if let authority, let at = bytes[authority].lastIndex(of: UInt8(ascii: "@")),
            let colon = bytes[authority.lowerBound..<at].firstIndex(of: UInt8(ascii: ":"))
        {
            found.append((colon + 1)..<at)
        }
        // Also without an authority: `sqlite:shop.db?password=…`.
        var index = bytes[(authority?.upperBound ?? 0)...].firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: ";") }
        while let start = index {
            let ends: Set<UInt8> = [UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: "#")]
            let end = bytes[(start + 1)...].firstIndex { ends.contains($0) } ?? bytes.count
            if let equals = bytes[(start + 1)..<end].firstIndex(of: UInt8(ascii: "=")) {
                let name = String(decoding: bytes[(start + 1)..<equals], as: UTF8.self).lowercased()
                if isSecret(name) { found.append((equals + 1)..<end) }
            }
            index = end < bytes.count && bytes[end] != UInt8(ascii: "#") ? end : nil
        }
        return found
    }

    /// Whether a parameter's name says that its value is a secret: `client_secret`, `api-key`, Azure's `code` and `sig`.
    private static func isSecret(_ name: String) -> Bool {
        let plain = String(name.filter { $0 != "_" && $0 != "-" && $0 != "." })
        return secretWords.contains { plain.contains($0) } || secretNames.contains(plain)
    }

    private static let secretWords = ["password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "credential", "signature"]
    private static let secretNames: Set<String> = ["key", "sig", "code", "auth", "pwd", "pass"]
}
