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

    /// The part between `://` and the path, with a user and password in it; `nil` where there is no `://`.
    private static func authority(_ bytes: [UInt8]) -> Range<Int>? {
        let mark = Array("://".utf8)
        guard bytes.count > 3, let start = (0...(bytes.count - 3)).first(where: { bytes[$0..<($0 + 3)].elementsEqual(mark) }) else { return nil }
        let from = start + 3
        let ends: Set<UInt8> = [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: ";")]
        func end(_ from: Int) -> Int { bytes[from...].firstIndex { ends.contains($0) } ?? bytes.count }
        let to = end(from)
        // One of those inside a password that nobody encoded: the user's part ends at the last "@" all the same.
        guard let at = bytes[to...].lastIndex(of: UInt8(ascii: "@")), isOfPassword(at, bytes, from..<to) else { return from..<to }
        return from..<end(at)
    }

    /// Whether an `@` behind what looks like an authority ends a password with one of the characters that end an authority, rather than standing in a parameter.
    private static func isOfPassword(_ at: Int, _ bytes: [UInt8], _ places: Range<Int>) -> Bool {
        let parameter = bytes[places.upperBound..<at].lastIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") }
        guard let parameter, bytes[parameter..<at].contains(UInt8(ascii: "=")) else { return true }
        // It reads as `name=…@…`; what is no host and port before it is a user with the beginning of a password.
        return !bytes[places].contains(UInt8(ascii: "@")) && !bytes[places].split(separator: UInt8(ascii: ",")).allSatisfy(isHostAndPort)
    }

    private static func isHostAndPort(_ place: ArraySlice<UInt8>) -> Bool {
        guard let colon = place.lastIndex(of: UInt8(ascii: ":")), place.last != UInt8(ascii: "]") else { return true }
        return place[(colon + 1)...].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func ranges(_ bytes: [UInt8]) -> [Range<Int>] {
        let authority = authority(bytes)
        var found: [Range<Int>] = []
        if let userPart = authority ?? unmarkedAuthority(bytes), let at = bytes[userPart].lastIndex(of: UInt8(ascii: "@")),
            let colon = bytes[userPart.lowerBound..<at].firstIndex(of: UInt8(ascii: ":"))
        {
            found.append((colon + 1)..<at)
        } else if let authority, let colon = bytes[authority].firstIndex(of: UInt8(ascii: ":")), !bytes[authority].split(separator: UInt8(ascii: ",")).allSatisfy(isHostAndPort) {
            // What is no port may be the password of somebody who forgot the host.
            found.append((colon + 1)..<authority.upperBound)
        }
        // Also without an authority: `sqlite:shop.db?password=…`. PostgreSQL's parameters end at nothing but "&".
        let isPostgres = schemes(bytes).contains { equalBytes($0, "postgresql") || equalBytes($0, "postgres") }
        let starts: Set<UInt8> = isPostgres ? [UInt8(ascii: "?")] : [UInt8(ascii: "?"), UInt8(ascii: ";")]
        let ends: Set<UInt8> = isPostgres ? [UInt8(ascii: "&")] : [UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: "#")]
        var index = bytes[max(authority?.upperBound ?? 0, found.first?.upperBound ?? 0)...].firstIndex { starts.contains($0) }
        while let start = index {
            var end = bytes[(start + 1)...].firstIndex { ends.contains($0) } ?? bytes.count
            if let equals = bytes[(start + 1)..<end].firstIndex(of: UInt8(ascii: "=")), isSecret(name(bytes[(start + 1)..<equals])) {
                // What follows without a "=" is no parameter, but the rest of a secret with an "&" in it.
                let isReference = ReferenceResolver.isOnlyReferences(String(decoding: bytes[(equals + 1)..<end], as: UTF8.self))
                while !isReference, end < bytes.count, bytes[end] != UInt8(ascii: "#") {
                    let next = bytes[(end + 1)...].firstIndex { ends.contains($0) } ?? bytes.count
                    if bytes[end..<next].contains(UInt8(ascii: "=")) { break }
                    end = next
                }
                found.append((equals + 1)..<end)
            }
            index = end < bytes.count && bytes[end] != UInt8(ascii: "#") ? end : nil
        }
        return found
    }

    /// Where a user and password may stand in a URL without `://`, which is none: somebody forgot the slashes. Nothing with blanks in it is meant for one.
    private static func unmarkedAuthority(_ bytes: [UInt8]) -> Range<Int>? {
        if bytes.contains(where: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\t") }) { return nil }
        return schemes(bytes).reduce(0) { $0 + $1.utf8.count + 1 }..<bytes.count
    }

    /// The words at the beginning that are followed by a colon and name no user.
    private static func schemes(_ bytes: [UInt8]) -> [String] {
        var found: [String] = [], rest = bytes[...]
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")), let word = knownSchemes.first(where: { $0.utf8.elementsEqual(rest[..<colon]) }) {
            found.append(word)
            rest = rest[(colon + 1)...]
        }
        return found
    }
    private static let knownSchemes = ["jdbc", "postgresql", "postgres", "mysql", "mariadb", "sqlserver", "oracle", "sqlite", "file", "http", "https", "mailto", "urn"]

    /// A parameter's name as it is meant: it may be percent-encoded like its value.
    private static func name(_ bytes: ArraySlice<UInt8>) -> String {
        var out: [UInt8] = [], rest = bytes
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2 {
                out.append(code)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self).lowercased()
    }

    /// Whether a parameter's name says that its value is a secret: `client_secret`, `api-key`, Azure's `code` and `sig`.
    private static func isSecret(_ name: String) -> Bool {
        let plain = String(name.filter { $0 != "_" && $0 != "-" && $0 != "." })
        return secretWords.contains { plain.contains($0) } || secretNames.contains(plain)
    }

    private static let secretWords = ["password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "credential", "signature"]
    private static let secretNames: Set<String> = ["key", "sig", "code", "auth", "pwd", "pass"]
}
