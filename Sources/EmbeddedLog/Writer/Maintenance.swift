internal import ConnectRuntime

/// Retention, compaction and the removal of deleted topics: small steps between commits.
struct Maintenance {
    let log: LogState
    let options: EmbeddedLogOptions

    func millisecondsToNext() -> Int { 3_600_000 }
    mutating func nextRequest() -> WriteRequest? { nil }
}
