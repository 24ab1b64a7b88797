internal import ConnectRuntime
internal import SQLite

/// Whether a table of the user's can be tailed by its key alone.
enum EventTable {
    static func check(_ database: Database, _ table: Name, _ columns: [SqliteCatalog.Column], file: String) throws {
        let sql = try SqliteCatalog.sql(database, type: "table", name: table.text) ?? ""
        guard declaresAutoincrement(sql) else {
            throw ConnectError(
                .fatal, code: "sqlite.no_autoincrement",
                "table \(table) of \(file) cannot be tailed by its key: without AUTOINCREMENT SQLite gives the number of a deleted newest row out again, and the new row would be missed",
                suggestion: "declare its key INTEGER PRIMARY KEY AUTOINCREMENT, or set capture=change")
        }
        guard let key = columns.first(where: { $0.keyPosition > 0 }) else { return }
        let name = try quotedIdentifier(key.name.text)
        if try database.integer("SELECT 1 FROM main.\(quotedIdentifier(table.text)) WHERE \(name) < 1 LIMIT 1") != nil {
            throw ConnectError(
                .fatal, code: "sqlite.number_below_one", "table \(table) of \(file) has rows whose \(key.name) is below 1, which a tail from 0 never reaches",
                suggestion: "give these rows numbers from 1 on, or set capture=change")
        }
    }

    /// Looks for the keyword outside quotes and comments.
    static func declaresAutoincrement(_ sql: String) -> Bool {
        var bytes = Array(sql.utf8)[...]
        var word: [UInt8] = []
        let wanted = Array("autoincrement".utf8)
        func skip(past end: [UInt8]) {
            while !bytes.isEmpty, !bytes.starts(with: end) { bytes.removeFirst() }
            bytes = bytes.dropFirst(end.count)
        }
        while let byte = bytes.popFirst() {
            let lower = byte >= 65 && byte <= 90 ? byte + 32 : byte
            if (lower >= 97 && lower <= 122) || lower == UInt8(ascii: "_") || lower >= 128 || (lower >= 48 && lower <= 57) {
                word.append(lower)
                continue
            }
            if word == wanted { return true }
            word = []
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"): skip(past: [byte])
            case UInt8(ascii: "["): skip(past: Array("]".utf8))
            case UInt8(ascii: "-") where bytes.first == byte: skip(past: Array("\n".utf8))
            case UInt8(ascii: "/") where bytes.first == UInt8(ascii: "*"): skip(past: Array("*/".utf8))
            default: break
            }
        }
        return word == wanted
    }
}
