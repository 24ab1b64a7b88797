/// Java's properties files: `key=value`, `key: value`, `key value`, comments with `#` or `!`, `\` at the end of a line goes on, `\uXXXX`.
public enum Properties {
    /// - Throws: ``ConnectError`` of kind `.configuration` with file and line for a malformed `\u`.
    public static func parse(_ text: String, of file: String) throws(ConnectError) -> ConfigMap {
        var entries: [ConfigMap.Entry] = []
        for (line, bytes) in logicalLines(text) {
            var index = 0
            var separated = false
            let key = try unescape(bytes, &index, file, line) { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") || isBlank($0) }
            while index < bytes.count, isBlank(bytes[index]) || (!separated && (bytes[index] == UInt8(ascii: "=") || bytes[index] == UInt8(ascii: ":"))) {
                if !isBlank(bytes[index]) { separated = true }
                index += 1
            }
            let value = try unescape(bytes, &index, file, line) { _ in false }
            entries.append(ConfigMap.Entry(Name(key), value))
        }
        return ConfigMap(entries)
    }

    private static func logicalLines(_ text: String) -> [(line: Int, bytes: [UInt8])] {
        var lines: [(Int, [UInt8])] = []
        var pending: (Int, [UInt8])?
        for (number, raw) in text.utf8.split(omittingEmptySubsequences: false, whereSeparator: { $0 == 0x0A }).enumerated() {
            var bytes = Array(raw.drop(while: isBlank))
            if bytes.last == 0x0D { bytes.removeLast() }
            if pending == nil, bytes.isEmpty || bytes[0] == UInt8(ascii: "#") || bytes[0] == UInt8(ascii: "!") { continue }
            let slashes = bytes.reversed().prefix { $0 == UInt8(ascii: "\\") }.count
            let continues = slashes % 2 == 1
            if continues { bytes.removeLast() }
            var whole = pending ?? (number + 1, [])
            whole.1 += bytes
            pending = whole
            if !continues {
                lines.append(whole)
                pending = nil
            }
        }
        if let pending { lines.append(pending) }
        return lines
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0C }

    private static func unescape(
        _ bytes: [UInt8], _ index: inout Int, _ file: String, _ line: Int, until isEnd: (UInt8) -> Bool
    ) throws(ConnectError) -> String {
        var units: [UInt16] = []
        var out: [UInt8] = []
        func flushUnits() {
            if !units.isEmpty { out.append(contentsOf: String(decoding: units, as: UTF16.self).utf8) }
            units.removeAll()
        }
        while index < bytes.count, !isEnd(bytes[index]) {
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count else {
                flushUnits()
                out.append(bytes[index])
                index += 1
                continue
            }
            let escaped = bytes[index + 1]
            index += 2
            if escaped == UInt8(ascii: "u") {
                guard index + 4 <= bytes.count, let unit = UInt16(String(decoding: bytes[index..<(index + 4)], as: UTF8.self), radix: 16) else {
                    throw ConnectError(.configuration, code: "properties.malformed", "\(file):\(line): \\u needs four hexadecimal digits")
                }
                units.append(unit)
                index += 4
                continue
            }
            flushUnits()
            switch escaped {
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "f"): out.append(0x0C)
            default: out.append(escaped)
            }
        }
        flushUnits()
        return String(decoding: out, as: UTF8.self)
    }
}
