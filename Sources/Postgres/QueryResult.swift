internal import CPostgres

/// The rows of one statement, in libpq's memory; freed with the object. Used on its connection's thread.
public final class QueryResult {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQclear(pointer) }

    public var rowCount: Int { Int(PQntuples(pointer)) }
    public var columnCount: Int { Int(PQnfields(pointer)) }

    /// Rows that INSERT, UPDATE, DELETE, MERGE, SELECT or COPY touched; 0 for other statements.
    public var affectedRows: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    public func columnName(_ column: Int) -> String {
        PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? ""
    }

    /// The number of a column's type.
    public func columnType(_ column: Int) -> UInt32 { PQftype(pointer, Int32(column)) }

    public func isNull(_ row: Int, _ column: Int) -> Bool { PQgetisnull(pointer, Int32(row), Int32(column)) == 1 }

    /// Lends a value's bytes, `nil` for NULL; the pointer must not leave the closure.
    public func withBytes<R, E: Error>(_ row: Int, _ column: Int, _ body: (UnsafeRawBufferPointer?) throws(E) -> R) throws(E) -> R {
        defer { withExtendedLifetime(self) {} }
        if isNull(row, column) { return try body(nil) }
        let count = Int(PQgetlength(pointer, Int32(row), Int32(column)))
        return try body(UnsafeRawBufferPointer(start: PQgetvalue(pointer, Int32(row), Int32(column)), count: count))
    }

    /// The text form as a `String`, `nil` for NULL. Only for results asked for as text.
    public func text(_ row: Int, _ column: Int) -> String? {
        withBytes(row, column) { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// A whole number of a text result, `nil` for NULL and for what is none.
    public func integer(_ row: Int, _ column: Int) -> Int64? { text(row, column).flatMap { Int64($0) } }

    /// A boolean of a text result; NULL is false.
    public func boolean(_ row: Int, _ column: Int) -> Bool { text(row, column) == "t" }

    var status: ExecStatusType { PQresultStatus(pointer) }
}
