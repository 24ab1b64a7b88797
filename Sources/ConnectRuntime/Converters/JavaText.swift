/// Values as Java's `toString` shows them: what `StringConverter` writes.
///
/// Bytes are the exception: Java shows an object's address there, we write their Base64.
enum JavaText {
    static func of(_ value: Value) throws -> String {
        var text = ""
        try append(value, to: &text, depth: 0)
        return text
    }

    private static func append(_ value: Value, to text: inout String, depth: Int) throws {
        guard depth <= JSONParser.deepest else { throw DataErrors.invalid("a value is nested deeper than \(JSONParser.deepest) levels") }
        switch value {
        case .null: text += "null"
        case .boolean(let flag): text += flag ? "true" : "false"
        case .int8(let number): text += String(number)
        case .int16(let number): text += String(number)
        case .int32(let number): text += String(number)
        case .int64(let number): text += String(number)
        case .float32(let number): text += number.isFinite ? number.javaText : special(Double(number))
        case .float64(let number): text += number.isFinite ? number.javaText : special(number)
        case .string(let string): text += string
        case .bytes(let bytes): text += Base64.standard(bytes)
        case .decimal(let decimal): text += decimal.text
        case .date(let day): text += CivilTime.javaText(milliseconds: Int64(day) * 86_400_000)
        case .time(let time): text += CivilTime.javaText(milliseconds: Int64(time))
        case .timestamp(let instant): text += CivilTime.javaText(milliseconds: instant)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += ", " }
                try append(element, to: &text, depth: depth + 1)
            }
            text += "]"
        case .map(let entries):
            text += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { text += ", " }
                try append(entry.key, to: &text, depth: depth + 1)
                text += "="
                try append(entry.value, to: &text, depth: depth + 1)
            }
            text += "}"
        case .structure(let structure):
            text += "Struct{"
            var isFirst = true
            for (index, field) in structure.schema.fields.enumerated() {
                var value = structure.values[index]
                if value.isNull { value = field.schema.defaultValue ?? .null }
                if value.isNull { continue }
                if !isFirst { text += "," }
                isFirst = false
                text += field.name.text
                text += "="
                try append(value, to: &text, depth: depth + 1)
            }
            text += "}"
        }
    }

    private static func special(_ value: Double) -> String { value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity" }
}

extension Double {
    /// As Java writes a finite double.
    var javaText: String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 40) { target in
            guard let base = target.baseAddress else { return "" }
            let count = JSONNumber.write(self, to: base)
            return String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self)
        }
    }
}

extension Float {
    /// As Java writes a finite float.
    var javaText: String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 40) { target in
            guard let base = target.baseAddress else { return "" }
            let count = JSONNumber.write(self, to: base)
            return String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self)
        }
    }
}
