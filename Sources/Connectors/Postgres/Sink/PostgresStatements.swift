internal import ConnectRuntime
internal import Postgres

typealias PostgresLayout = SinkLayout<PostgresStatements>

/// The statements of a layout on a table, each in a form that takes rows as arrays and one that takes them from a stage.
final class PostgresStatements: SinkStatements {
    /// A column of the layout as the target has it.
    struct Column {
        let source: SinkColumn
        let name: String
        let type: PostgresType
        let shortcut: Shortcut

        init(source: SinkColumn, name: String, type: PostgresType) {
            self.source = source
            self.name = name
            self.type = type
            shortcut =
                switch type {
                case .int64: .int64
                case .int32: .int32
                case .text: .text
                default: .none
                }
        }
    }

    /// The table's number.
    let table: UInt32

    /// Types whose usual values are written without looking further.
    enum Shortcut { case none, int64, int32, text }

    /// Rows come into a temporary table by COPY and go on from there.
    struct Stage {
        let name: String
        /// Makes it where it is missing.
        let make: String
        let copy: String
        let statement: String
    }

    let columns: [Column]
    let keyCount: Int
    /// Indexes of the columns that are written: generated ones are not.
    let written: [Int]
    let write: String?
    let delete: String?
    let truncate: String
    /// `nil` where rows can only go by arrays.
    let writeStage: Stage?
    let deleteStage: Stage?
    /// `COPY` straight into the table, where rows are only added.
    let copy: String?
    let keepsOrder: Bool
    let setsAll: Bool
    private let identities: [PostgresType]

    init(
        table: UInt32, columns: [Column], keyCount: Int, written: [Int], write: String?, delete: String?, truncate: String, writeStage: Stage?, deleteStage: Stage?, copy: String?,
        keepsOrder: Bool, setsAll: Bool
    ) {
        self.table = table
        self.columns = columns
        self.keyCount = keyCount
        self.written = written
        self.write = write
        self.delete = delete
        self.truncate = truncate
        self.writeStage = writeStage
        self.deleteStage = deleteStage
        self.copy = copy
        self.keepsOrder = keepsOrder
        self.setsAll = setsAll
        identities = columns[..<keyCount].map(\.type.base)
    }

    /// The key as its columns' types tell values apart.
    func identity(of key: [Value]) -> [Value] {
        var needed = false
        for (index, type) in identities.enumerated() where index < key.count {
            switch (type, key[index]) {
            case (.uuid, .string), (.int16, .string), (.int32, .string), (.int64, .string): needed = true
            default: continue
            }
        }
        if !needed { return key }
        return key.enumerated().map { index, value in
            guard index < identities.count, case .string(let text) = value else { return value }
            switch identities[index] {
            case .uuid: return .string(String(decoding: text.asciiLowercased.utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: "}") }, as: UTF8.self))
            case .int16, .int32, .int64: return Int64(text.trimmedASCII).map { .int64($0) } ?? value
            default: return value
            }
        }
    }
}
