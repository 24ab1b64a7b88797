internal import CMicrohttpd
import ConnectRuntime
import Glibc
import Synchronization

/// What bounds the server.
public struct ServerLimits: Sendable {
    public var connections: UInt32 = 256
    /// A connection on which nothing happens for so long is closed.
    public var idleSeconds: UInt32 = 60
    public var bodyBytes = 4 << 20
    /// Bytes of request line and header fields of one connection.
    public var headerBytes = 32 << 10
    public var handlerThreads = 4
    public var longPollThreads = 8
    public var queuedRequests = 256
    /// How long a stop waits for answers under way.
    public var stopMilliseconds = 5_000
    public init() {}
}

/// The REST door on a socket: libmicrohttpd on one epoll thread, handlers on a small pool beside it.
public final class RestServer: Sendable {
    /// Where it listens, with the port it really got.
    public let address: ListenAddress

    private let core: ServerCore
    private let daemon: Mutex<Daemon?>
    private let listening: Int32

    /// `@unchecked Sendable`: the C library's handle, itself thread-safe; only ``stop()`` takes it out of its lock.
    private struct Daemon: @unchecked Sendable { let pointer: OpaquePointer }

    /// Listens at once; requests that come before ``serve(_:)`` are answered 503.
    /// - Throws: ``ConnectError`` of kind `.fatal` when the address cannot be had.
    public init(_ wanted: ListenAddress, limits: ServerLimits = ServerLimits()) throws {
        let socket = try ListeningSocket(wanted)
        address = ListenAddress(host: wanted.host, port: socket.port)
        listening = socket.fileDescriptor
        core = ServerCore(limits: limits)
        // Retained for the daemon's callbacks; released when it was stopped.
        let context = Unmanaged.passRetained(core).toOpaque()
        guard
            let pointer = connectd_mhd_start(
                socket.fileDescriptor, limits.connections, limits.idleSeconds, limits.headerBytes, handleRequest, context, noteTarget,
                requestCompleted, leaveEscaped)
        else {
            Unmanaged<ServerCore>.fromOpaque(context).release()
            close(socket.fileDescriptor)
            throw ConnectError(.fatal, code: "rest.start", "the HTTP server could not be started on \(address)")
        }
        daemon = Mutex(Daemon(pointer: pointer))
    }

    /// Gives the server what it answers from.
    public func serve(_ api: any RequestHandler) { core.api.withLock { $0 = api } }

    /// Takes no more connections, waits a bounded time for answers under way, gives the others up with 503 and ends. A second call does nothing.
    public func stop() {
        guard let daemon = daemon.withLock({ daemon in
            defer { daemon = nil }
            return daemon
        }) else { return }
        _ = MHD_quiesce_daemon(daemon.pointer)
        core.finish()
        MHD_stop_daemon(daemon.pointer)
        close(listening)
        Unmanaged.passUnretained(core).release()
    }

    deinit { stop() }
}
