/// How a database file is opened.
public enum OpenMode: Sendable, Hashable {
    /// Reads only. A missing file is an error. In WAL mode SQLite still needs to write the `-shm` file beside it, or find one.
    case readOnly
    /// Reads and writes. A missing file is an error.
    case readWrite
    /// Reads and writes, and makes the file when it is missing.
    case create
}
