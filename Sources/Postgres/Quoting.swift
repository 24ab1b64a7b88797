/// Names and values as SQL text (P10). Parameters come first; these are for where SQL takes none: identifiers, COPY, utility statements.
public enum Quoting {
    /// PostgreSQL cuts a longer name off, silently: compare before creating anything.
    public static let maximumIdentifierBytes = 63

    /// A quoted identifier. A NUL, which no name can hold, ends nothing: it becomes U+FFFD and so names nothing that exists.
    public static func identifier(_ name: String) -> String {
        var out: [UInt8] = [UInt8(ascii: "\"")]
        for byte in name.utf8 {
            if byte == 0 {
                out.append(contentsOf: "\u{FFFD}".utf8)
                continue
            }
            if byte == UInt8(ascii: "\"") { out.append(byte) }
            out.append(byte)
        }
        out.append(UInt8(ascii: "\""))
        return String(decoding: out, as: UTF8.self)
    }

    /// `"schema"."name"`
    public static func qualified(_ schema: String, _ name: String) -> String { identifier(schema) + "." + identifier(name) }

    /// A quoted literal that reads the same under any setting of the session, as `PQescapeLiteral` writes it.
    public static func literal(_ text: String) -> String {
        var out: [UInt8] = []
        let hasBackslash = text.utf8.contains(UInt8(ascii: "\\"))
        if hasBackslash { out.append(contentsOf: " E".utf8) }
        out.append(UInt8(ascii: "'"))
        for byte in text.utf8 {
            if byte == 0 {
                out.append(contentsOf: "\u{FFFD}".utf8)
                continue
            }
            if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\\") { out.append(byte) }
            out.append(byte)
        }
        out.append(UInt8(ascii: "'"))
        return String(decoding: out, as: UTF8.self)
    }

    /// `ARRAY['a','b']::text[]`
    public static func textArray(_ items: [String]) -> String {
        "ARRAY[" + items.map(literal).joined(separator: ",") + "]::text[]"
    }
}
