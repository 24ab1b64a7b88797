internal import CSQLite

/// What SQLite answered when it did not do what it was asked.
public struct SQLiteError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The family: the low byte of the result code.
    public let code: Code
    /// The whole result code, e.g. `SQLITE_IOERR_FSYNC` (1034).
    public let extendedCode: Int32
    /// SQLite's own words.
    public let message: String
    /// The statement that failed, as it was written; `nil` where none was involved. Bound values are never in it.
    public let statement: String?

    public init(extendedCode: Int32, message: String, statement: String? = nil) {
        code = Code(rawValue: extendedCode & 0xFF)
        self.extendedCode = extendedCode
        self.message = message
        self.statement = statement
    }

    /// A family of result codes. Open: a later SQLite may answer with one that has no name here.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }

        public static let error = Code(rawValue: 1)
        public static let permission = Code(rawValue: 3)
        public static let abort = Code(rawValue: 4)
        /// Another connection holds the lock.
        public static let busy = Code(rawValue: 5)
        /// Another statement of this connection, or of its shared cache, is in the way.
        public static let locked = Code(rawValue: 6)
        public static let outOfMemory = Code(rawValue: 7)
        public static let readOnly = Code(rawValue: 8)
        public static let interrupted = Code(rawValue: 9)
        public static let io = Code(rawValue: 10)
        public static let corrupt = Code(rawValue: 11)
        /// The disk is full.
        public static let full = Code(rawValue: 13)
        public static let cannotOpen = Code(rawValue: 14)
        /// The schema changed under a prepared statement.
        public static let schema = Code(rawValue: 17)
        public static let tooBig = Code(rawValue: 18)
        public static let constraint = Code(rawValue: 19)
        public static let mismatch = Code(rawValue: 20)
        public static let misuse = Code(rawValue: 21)
        public static let range = Code(rawValue: 25)
        public static let notADatabase = Code(rawValue: 26)
    }

    /// Whether waiting and trying again can help: somebody else's lock, or a full disk.
    public var mayPass: Bool { code == .busy || code == .locked || code == .full }

    /// Whether the file itself is damaged or is no database.
    public var isDamage: Bool { code == .corrupt || code == .notADatabase }

    public var description: String {
        let name = String(cString: sqlite3_errstr(extendedCode))
        let place = statement.map { " in: \($0)" } ?? ""
        return message == name ? "SQLite error \(extendedCode): \(message)\(place)" : "SQLite error \(extendedCode) (\(name)): \(message)\(place)"
    }
}
