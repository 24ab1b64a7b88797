/// Numbers as text that reads back as the very same number and as the very same kind of number.
enum SqliteNumberText {
    /// Always with a point or an exponent, so that it cannot be taken for an integer; infinity as SQLite itself dumps it.
    static func text(_ value: Double) -> String {
        if value.isInfinite { return value < 0 ? "-9e999" : "9e999" }
        return value.description
    }

    /// The number that a text is, `nil` when it is none that ``text(_:)`` or an integer's digits would give.
    static func number(_ text: String) -> SqliteValue? {
        var digits = 0, isReal = false
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits += 1
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
                if digits == 0 { return nil }
                isReal = true
            case UInt8(ascii: "-"), UInt8(ascii: "+"):
                if index > 0, !isReal { return nil }
            default: return nil
            }
        }
        if digits == 0 { return nil }
        if !isReal, let integer = Int64(text) { return .integer(integer) }
        return Double(text).map { .real($0) }
    }
}
