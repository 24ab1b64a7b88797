/// Finds the secrets inside a list of HTTP headers as settings write it: `Name: value` with commas or bars between the entries.
package enum HeaderSecret {
    /// Whether a setting of this name holds such a list (`headers`, `http.headers.additional`).
    static func isHeaderList(_ name: Name) -> Bool {
        name.text.utf8.split(separator: UInt8(ascii: ".")).contains { $0.elementsEqual("headers".utf8) }
    }

    /// Whether a header of this name shows who sends: `Authorization`, `Cookie`, `X-API-Key`, `X-Auth-Token`.
    package static func isSecret(header name: String) -> Bool {
        let plain = String(name.lowercased().filter { $0 != "-" && $0 != "_" })
        return words.contains { plain.contains($0) }
    }

    private static let words = ["authorization", "cookie", "apikey", "accesskey", "token", "secret", "password", "credential", "signature"]

    static func ranges(_ bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "|") } ?? bytes.count
            if let colon = bytes[start..<end].firstIndex(of: UInt8(ascii: ":")), isSecret(header: String(decoding: bytes[start..<colon], as: UTF8.self)) {
                found.append(afterScheme(bytes[(colon + 1)..<end])..<end)
            }
            start = end + 1
        }
        return found
    }

    /// The secrets themselves, as they are written there.
    package static func secrets(in text: String) -> [String] {
        let bytes = Array(text.utf8)
        return ranges(bytes).map { String(decoding: bytes[$0], as: UTF8.self).trimmedASCII }.filter { !$0.isEmpty }
    }

    /// Behind `Bearer `, `Basic ` and the like: what kind of secret it is may be seen.
    private static func afterScheme(_ value: ArraySlice<UInt8>) -> Int {
        let start = value.firstIndex { $0 > 0x20 } ?? value.endIndex
        guard let blank = value[start...].firstIndex(of: 0x20), value[start..<blank].allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }) else { return start }
        return value[blank...].firstIndex { $0 > 0x20 } ?? start
    }
}
