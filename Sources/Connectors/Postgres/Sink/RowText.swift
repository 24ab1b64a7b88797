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
                let value = column.source.value(change, batch)
                switch value {
                case .null: out.append("\\N")
                case .int64(let number) where column.type == .int64: ValueText.append(number, &out)
                case .int32(let number) where column.type == .int32: ValueText.append(Int64(number), &out)
                default:
                    scratch.removeAll(keepingCapacity: true)
                    try append(value, column, &scratch)
                    RowText.escape(scratch, &out)
                }
            }
            out.append(UInt8(ascii: "\n"))
        }
        return out
    }

    /// What COPY reads back as the same bytes.
    private static func escape(_ text: [UInt8], _ out: inout [UInt8]) {
        var start = 0
        for (index, byte) in text.enumerated() {
            let escaped: UInt8
            switch byte {
            case UInt8(ascii: "\\"): escaped = byte
            case UInt8(ascii: "\n"): escaped = UInt8(ascii: "n")
            case UInt8(ascii: "\r"): escaped = UInt8(ascii: "r")
            case UInt8(ascii: "\t"): escaped = UInt8(ascii: "t")
            default: continue
            }
            out.append(contentsOf: text[start..<index])
            out.append(UInt8(ascii: "\\"))
            out.append(escaped)
            start = index + 1
        }
        out.append(contentsOf: text[start...])
    }

    /// One array of texts per column, as parameters.
    func arrays(_ changes: [SinkChange<PostgresStatements>]) throws -> [Parameter] {
        var scratch: [UInt8] = []
        return try indexes.map { index in
            let column = columns[index]
            var out: [UInt8] = [UInt8(ascii: "{")]
            for (place, change) in changes.enumerated() {
                if place > 0 { out.append(UInt8(ascii: ",")) }
                let value = column.source.value(change, batch)
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
