/// How a command shows its result: a table for people, or one JSON object.
enum OutputFormat: String, CaseIterable {
    case table, json

    static let options = [
        Option.value("output", "table|json", "how to show the result", short: "o"), Option.flag("json", "the same as -o json"),
    ]

    init(_ arguments: Arguments) throws(UsageError) {
        if arguments.has("json") {
            self = .json
            return
        }
        guard let word = arguments.value("output") else {
            self = .table
            return
        }
        guard let format = OutputFormat(rawValue: word) else {
            throw UsageError(message: "there is no output format \"\(word)\"", suggestion: "write -o table or -o json")
        }
        self = format
    }
}

/// Columns under their headings, wide enough for what stands in them.
enum Table {
    static func text(_ headings: [String], _ rows: [[String]]) -> String {
        let widths = headings.indices.map { column in ([headings] + rows).map { $0[column].count }.max() ?? 0 }
        return ([headings] + rows).map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            return line
        }.joined(separator: "\n")
    }
}
