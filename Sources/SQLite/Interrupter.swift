internal import CSQLite
internal import Synchronization

/// Stops what a connection is doing, from any thread; harmless after the connection was closed.
///
/// The statement in progress fails with ``SQLiteError/Code/interrupted``; one that is not running is not affected.
public final class Interrupter: Sendable {
    /// The handle as a number, so that the mutex may hold it: pointers are not `Sendable`. 0 once closed.
    private let handle: Mutex<UInt>

    init(_ handle: OpaquePointer) { self.handle = Mutex(UInt(bitPattern: handle)) }

    public func interrupt() {
        handle.withLock { if let open = OpaquePointer(bitPattern: $0) { sqlite3_interrupt(open) } }
    }

    /// The connection closes: waits for a running ``interrupt()`` and makes later ones do nothing.
    func disarm() { handle.withLock { $0 = 0 } }
}
