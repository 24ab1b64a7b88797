/// Keeps secrets out of texts that come from libpq or a server.
struct Scrubber: Sendable {
    static let hidden = "[hidden]"
    private let secrets: [[UInt8]]

    /// - Parameters:
    ///   - secrets: what must not show, also in its percent-encoded form.
    ///   - known: words that show anyway (user, database, host). A secret equal to one stays visible where that word stands,
    ///     since hiding it there would tell that the two are equal.
    init(secrets: [String], known: [String]) {
        var all: [[UInt8]] = []
        for secret in secrets where secret.utf8.count >= 3 && !known.contains(where: { $0.utf8.elementsEqual(secret.utf8) }) {
            all.append(Array(secret.utf8))
            let encoded = Array(PercentEncoding.encode(secret).utf8)
            if encoded != Array(secret.utf8) { all.append(encoded) }
        }
        self.secrets = all.sorted { $0.count > $1.count }
    }

    func scrub(_ text: String) -> String {
        if secrets.isEmpty { return text }
        var bytes = Array(text.utf8)
        var found = false
        for secret in secrets {
            var index = 0
            while index + secret.count <= bytes.count {
                if bytes[index..<index + secret.count].elementsEqual(secret) {
                    bytes.replaceSubrange(index..<index + secret.count, with: Scrubber.hidden.utf8)
                    index += Scrubber.hidden.utf8.count
                    found = true
                } else {
                    index += 1
                }
            }
        }
        return found ? String(decoding: bytes, as: UTF8.self) : text
    }
}

/// RFC 3986's percent-encoding of one component.
enum PercentEncoding {
    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
                out.append(byte)
            default:
                out.append(UInt8(ascii: "%"))
                out.append(digits[Int(byte >> 4)])
                out.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// `nil` when a `%` is not followed by two digits, when the result is no UTF-8 or holds a NUL.
    static func decode(_ bytes: some Collection<UInt8>) -> String? {
        var out: [UInt8] = []
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else { return nil }
                out.append(high << 4 | low)
            } else {
                out.append(byte)
            }
        }
        if out.contains(0) { return nil }
        return String(validating: out, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// What a text needs to stand in a connection URL.
public enum URLText {
    /// Everything but letters, digits and `-._~` as `%XX`.
    public static func encode(_ text: String) -> String { PercentEncoding.encode(text) }
}
