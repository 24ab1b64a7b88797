internal import ConnectRuntime

/// Names of Debezium's change envelope, which sources of ours write and sinks of ours understand.
enum Envelope {
    static let before: Name = "before"
    static let after: Name = "after"
    static let source: Name = "source"
    static let op: Name = "op"
    static let time: Name = "ts_ms"
    static let newKeyHeader: Name = "__debezium.newkey"
    static let oldKeyHeader: Name = "__debezium.oldkey"
}
