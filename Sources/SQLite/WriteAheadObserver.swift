/// Sees what a connection writes to its database file and to its write-ahead log, as it happens.
///
/// Called on the connection's thread, in the middle of a statement: it must not use the connection.
public protocol WriteAheadObserver: AnyObject, Sendable {
    /// The log is about to be written from its beginning again, or to be cut: no frame counts any more.
    func logStartsAnew()
    /// A frame was written.
    /// - Parameters:
    ///   - page: the page's number in the database, from 1 on.
    ///   - offset: where the page's content stands in the log's file.
    ///   - isCommit: whether it is the last of its transaction.
    func frameWritten(page: UInt32, at offset: Int64, isCommit: Bool)
    /// The log was written without a frame's header: a page into the frame that it has already, which its own transaction wrote before its end.
    func logChanged(at offset: Int64)
    /// A page is read from the log: what a checkpoint does just before it writes that page to the database file.
    func logRead(at offset: Int64)
    /// A checkpoint is about to write to the database file.
    /// - Returns: true where these very bytes stand there already: then they are left out.
    func mayLeaveOut(at offset: Int64, byteCount: Int) -> Bool
}
