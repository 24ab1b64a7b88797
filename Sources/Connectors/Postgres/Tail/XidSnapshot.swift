/// Which transactions had finished at a moment: the server's `pg_snapshot`.
///
/// The finished ones are those below ``xmax`` that are not ``running``; on one primary that set only grows, so any two snapshots are nested.
package struct XidSnapshot: Sendable, Hashable {
    package let xmin: UInt64
    package let xmax: UInt64
    /// In rising order.
    package let running: [UInt64]

    package init(xmin: UInt64, xmax: UInt64, running: [UInt64] = []) {
        self.xmin = xmin
        self.xmax = xmax
        self.running = running
    }

    /// Reads `xmin:xmax:xip,xip`; `nil` when it is none.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 3, let xmin = XidSnapshot.number(parts[0]), let xmax = XidSnapshot.number(parts[1]), xmin <= xmax else { return nil }
        var running: [UInt64] = []
        for part in parts[2].split(separator: UInt8(ascii: ",")) {
            guard let xid = XidSnapshot.number(part), xid >= xmin, xid < xmax, xid > running.last ?? 0 else { return nil }
            running.append(xid)
        }
        self.init(xmin: xmin, xmax: xmax, running: running)
    }

    private static func number(_ bytes: some Collection<UInt8>) -> UInt64? {
        bytes.isEmpty ? nil : UInt64(String(decoding: bytes, as: UTF8.self))
    }

    package var text: String { "\(xmin):\(xmax):\(running.map(String.init).joined(separator: ","))" }

    package func hasFinished(_ xid: UInt64) -> Bool {
        if xid < xmin { return true }
        if xid >= xmax { return false }
        var low = 0, high = running.count
        while low < high {
            let middle = (low + high) / 2
            if running[middle] < xid { low = middle + 1 } else { high = middle }
        }
        return low == running.count || running[low] != xid
    }

    /// How many have finished: orders snapshots of one primary in time.
    package var finishedCount: UInt64 { xmax - min(xmax, UInt64(running.count)) }
}
