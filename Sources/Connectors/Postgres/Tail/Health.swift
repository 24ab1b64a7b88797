internal import ConnectRuntime
internal import Postgres

/// What the tail shows of itself as gauges, and the count by which it checks itself.
struct Health: Sendable {
    private var last: UInt64 = 0
    /// The batch under way whose rows are counted: its two ends, and how many were read so far.
    private var audit: Audit?
    private var auditedRows: Int64 = 0
    private var missingRows: Int64 = 0
    /// By operation, `c` and so on.
    private var counts = [Int64](repeating: 0, count: 256)

    private struct Audit: Sendable {
        let from: XidSnapshot
        let to: XidSnapshot
        var rows: Int
    }

    static let everyNanoseconds: UInt64 = 5_000_000_000
    /// Rows that are left are counted up to here.
    static let mostLagRows = 50_000

    mutating func isDue(_ now: UInt64) -> Bool {
        guard last == 0 || now &- last >= Health.everyNanoseconds else { return false }
        last = now
        return true
    }

    mutating func count(_ op: UInt8) { counts[Int(op)] += 1 }

    mutating func begin(from: XidSnapshot, to: XidSnapshot, rows: Int) { audit = Audit(from: from, to: to, rows: rows) }

    mutating func add(from: XidSnapshot, to: XidSnapshot, rows: Int) {
        guard var audit, audit.from == from, audit.to == to else { return self.audit = nil }
        audit.rows += rows
        self.audit = audit
    }

    /// The batch between the two ends is over.
    /// - Returns: how many rows were read for it; `nil` when it was begun by somebody else.
    mutating func end(from: XidSnapshot, to: XidSnapshot) -> Int? {
        defer { audit = nil }
        guard let audit, audit.from == from, audit.to == to else { return nil }
        return audit.rows
    }

    /// - Parameter found: how many rows the batch has. Fewer than were read: some were pruned meanwhile.
    mutating func audited(read: Int, found: Int) {
        auditedRows += Int64(found)
        missingRows += Int64(max(0, found - read))
    }

    func show(_ gauges: TaskMetrics) {
        for (op, count) in counts.enumerated() where count > 0 { gauges.setGauge(Name("changes_" + String(decoding: [UInt8(op)], as: UTF8.self)), count) }
        gauges.setGauge("audited_rows", auditedRows)
        gauges.setGauge("audit_missing_rows", missingRows)
    }
}
