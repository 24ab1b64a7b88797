/// Finds the password inside a URL: after the user (`scheme://user:password@host`) or as a parameter (`?password=…`).
enum URLPassword {
    static func hide(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var last = 0
        for range in ranges(bytes) {
            let found = String(decoding: bytes[range], as: UTF8.self)
            if range.isEmpty || ReferenceResolver.isOnlyReferences(found) { continue }
            out += bytes[last..<range.lowerBound]
            out += Array(Secret.hidden.utf8)
            last = range.upperBound
        }
        return String(decoding: out + bytes[last...], as: UTF8.self)
    }

    /// Puts the passwords of `old` where `text` says `[hidden]`; `nil` when they do not stand in the same number of places.
    static func restore(_ text: String, from old: String) -> String? {
        let bytes = Array(text.utf8), oldBytes = Array(old.utf8)
        let places = ranges(bytes), oldPlaces = ranges(oldBytes)
        guard places.count == oldPlaces.count, !places.isEmpty else { return nil }
        var out: [UInt8] = []
        var last = 0
        for (place, oldPlace) in zip(places, oldPlaces) {
            out += bytes[last..<place.lowerBound]
            let isHidden = bytes[place].elementsEqual(Secret.hidden.utf8)
            out += isHidden ? oldBytes[oldPlace] : bytes[place]
            last = place.upperBound
        }
        let whole = String(decoding: out + bytes[last...], as: UTF8.self)
        return whole.contains(Secret.hidden) ? nil : whole
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
                if name.contains("password") || name.contains("secret") || name.contains("token") { found.append((equals + 1)..<end) }
            }
            index = end < bytes.count && bytes[end] != UInt8(ascii: "#") ? end : nil
        }
        return found
    }
}
