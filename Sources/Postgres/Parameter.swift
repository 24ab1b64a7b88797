/// A value for `$n` of a statement.
public struct Parameter: Sendable {
    let bytes: [UInt8]?
    let isBinary: Bool
    /// The type's number, 0 to let the server infer it.
    let type: UInt32

    public static let null = Parameter(bytes: nil, isBinary: false, type: 0)

    /// A value in its text form. A text with a NUL is refused when it is sent: PostgreSQL holds none.
    public static func text(_ text: String, type: UInt32 = 0) -> Parameter { Parameter(bytes: Array(text.utf8), isBinary: false, type: type) }
    public static func text(utf8 bytes: [UInt8], type: UInt32 = 0) -> Parameter { Parameter(bytes: bytes, isBinary: false, type: type) }
    /// A value in the type's own binary form.
    public static func binary(_ bytes: [UInt8], type: UInt32) -> Parameter { Parameter(bytes: bytes, isBinary: true, type: type) }
    public static func int64(_ value: Int64) -> Parameter {
        Parameter(bytes: withUnsafeBytes(of: value.bigEndian) { Array($0) }, isBinary: true, type: TypeNumber.int8)
    }
    /// `text[]` in its text form: any element, NULs aside, arrives as it is.
    public static func textArray(_ items: [String]) -> Parameter {
        var out: [UInt8] = [UInt8(ascii: "{")]
        for (index, item) in items.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            out.append(UInt8(ascii: "\""))
            for byte in item.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { out.append(UInt8(ascii: "\\")) }
                out.append(byte)
            }
            out.append(UInt8(ascii: "\""))
        }
        out.append(UInt8(ascii: "}"))
        return Parameter(bytes: out, isBinary: false, type: 0)
    }
}

/// Numbers of built-in types, the same in every PostgreSQL.
public enum TypeNumber {
    public static let bool: UInt32 = 16, bytea: UInt32 = 17, char: UInt32 = 18, name: UInt32 = 19, int8: UInt32 = 20, int2: UInt32 = 21
    public static let int4: UInt32 = 23, text: UInt32 = 25, oid: UInt32 = 26, json: UInt32 = 114, xml: UInt32 = 142, point: UInt32 = 600
    public static let float4: UInt32 = 700, float8: UInt32 = 701, money: UInt32 = 790, macaddr8: UInt32 = 774, macaddr: UInt32 = 829
    public static let inet: UInt32 = 869, cidr: UInt32 = 650, bpchar: UInt32 = 1042, varchar: UInt32 = 1043, date: UInt32 = 1082
    public static let time: UInt32 = 1083, timestamp: UInt32 = 1114, timestamptz: UInt32 = 1184, interval: UInt32 = 1186
    public static let timetz: UInt32 = 1266, bit: UInt32 = 1560, varbit: UInt32 = 1562, numeric: UInt32 = 1700, uuid: UInt32 = 2950
    public static let pgLSN: UInt32 = 3220, jsonb: UInt32 = 3802, xid8: UInt32 = 5069
}
