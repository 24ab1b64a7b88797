internal import ConnectRuntime
internal import Postgres

/// Rows of one statement as PostgreSQL takes many at once: one array of texts per column, or lines of COPY.
struct RowText {
    let batch: RecordBatch
    let columns: [PostgresStatements.Column]
    /// Which of the columns go.
    let indexes: [Int]

    /// - Throws: a data error that names the column.
    private func append(_ value: Value, _ column: PostgresStatements.Column, _ out: inout [UInt8]) throws {
        do {
            try ValueText.append(value, column.source.schema, column.type, &out)
        } catch let unfit as ValueText.Unfit {
            throw ConnectError(.data, code: "sink.unfit_value", "column \(column.name): \(unfit.message)")
        }
    }

    /// Lines in COPY's text format.
    func lines(_ changes: [SinkChange<PostgresStatements>]) throws -> [UInt8] {
        var out: [UInt8] = [], scratch: [UInt8] = []
        out.reserveCapacity(changes.count * indexes.count * 12)
        for change in changes {
            var isFirst = true
            for index in indexes {
                if !isFirst { out.append(UInt8(ascii: "\t")) }
                isFirst = false
                let column = columns[index]
                let value = column.source.origin.value(change, batch)
                switch (value, column.shortcut) {
                case (.null, _): out.append("\\N")
                case (.int64(let number), .int64): ValueText.append(number, &out)
                case (.int32(let number), .int32): ValueText.append(Int64(number), &out)
                case (.string(var text), .text) where text.withUTF8({ RowText.escape($0, &out) }): continue
                default:
                    scratch.removeAll(keepingCapacity: true)
                    try append(value, column, &scratch)
                    _ = scratch.withUnsafeBufferPointer { RowText.escape($0, &out) }
                }
            }
            out.append(UInt8(ascii: "\n"))
        }
        return out
    }

    /// Appends what COPY reads back as the same bytes.
    /// - Returns: false, with nothing appended, when there is a NUL among them.
    private static func escape(_ text: UnsafeBufferPointer<UInt8>, _ out: inout [UInt8]) -> Bool {
        let before = out.count
        var start = 0
        for index in text.indices {
            let byte = text[index], escaped: UInt8
            if byte > UInt8(ascii: "\r"), byte != UInt8(ascii: "\\") { continue }
            switch byte {
            case UInt8(ascii: "\\"): escaped = byte
            case UInt8(ascii: "\n"): escaped = UInt8(ascii: "n")
            case UInt8(ascii: "\r"): escaped = UInt8(ascii: "r")
            case UInt8(ascii: "\t"): escaped = UInt8(ascii: "t")
            case 0:
                out.removeLast(out.count - before)
                return false
            default: continue
            }
            out.append(contentsOf: text[start..<index])
            out.append(UInt8(ascii: "\\"))
            out.append(escaped)
            start = index + 1
        }
        out.append(contentsOf: text[start...])
        return true
    }

    /// One array of texts per column, as parameters.
    func arrays(_ changes: [SinkChange<PostgresStatements>]) throws -> [Parameter] {
        var scratch: [UInt8] = []
        return try indexes.map { index in
            let column = columns[index]
            var out: [UInt8] = [UInt8(ascii: "{")]
            for (place, change) in changes.enumerated() {
                if place > 0 { out.append(UInt8(ascii: ",")) }
                let value = column.source.origin.value(change, batch)
                if value.isNull {
                    out.append("NULL")
                    continue
                }
                scratch.removeAll(keepingCapacity: true)
                try append(value, column, &scratch)
                out.append(UInt8(ascii: "\""))
                for byte in scratch {
                    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { out.append(UInt8(ascii: "\\")) }
                    out.append(byte)
                }
                out.append(UInt8(ascii: "\""))
            }
            out.append(UInt8(ascii: "}"))
            return .text(utf8: out)
        }
    }
}
