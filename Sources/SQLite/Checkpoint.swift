internal import CSQLite

/// How far a checkpoint goes; SQLite's own modes.
public enum CheckpointMode: Sendable, Hashable {
    /// As much as is possible without waiting.
    case passive
    /// Waits for writers, moves everything.
    case full
    /// As `full`, and the next writer starts the WAL from its beginning.
    case restart
    /// As `restart`, and the WAL is cut to nothing.
    case truncate

    var code: Int32 {
        switch self {
        case .passive: SQLITE_CHECKPOINT_PASSIVE
        case .full: SQLITE_CHECKPOINT_FULL
        case .restart: SQLITE_CHECKPOINT_RESTART
        case .truncate: SQLITE_CHECKPOINT_TRUNCATE
        }
    }
}

/// Frames in the WAL, and how many of them the database file has now. Both are −1 for a database that is not in WAL mode.
public struct CheckpointResult: Sendable, Hashable {
    public let frames: Int32
    public let checkpointed: Int32
}

extension Database {
    /// Moves the WAL's content into the database file and reports its errors, which the automatic checkpoint swallows.
    public func checkpoint(_ mode: CheckpointMode) throws(SQLiteError) -> CheckpointResult {
        guard let handle else { throw .closed }
        var frames: Int32 = -1, checkpointed: Int32 = -1
        var result = sqlite3_wal_checkpoint_v2(handle, "main", mode.code, &frames, &checkpointed)
        if result == SQLITE_OK, frames < 0 {
            // A connection that has read nothing yet does not know that there is a WAL, and would do nothing without a word.
            _ = try integer("PRAGMA schema_version")
            result = sqlite3_wal_checkpoint_v2(handle, "main", mode.code, &frames, &checkpointed)
        }
        if result != SQLITE_OK { throw error(result, statement: nil) }
        return CheckpointResult(frames: frames, checkpointed: checkpointed)
    }

    /// When on, closing the last connection leaves the WAL as it is: for a file that belongs to somebody else.
    public func setNoCheckpointOnClose(_ on: Bool) throws(SQLiteError) {
        guard let handle else { throw .closed }
        let result = connectd_sqlite_db_config_flag(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 1 : 0, nil)
        if result != SQLITE_OK { throw error(result, statement: nil) }
    }
}
