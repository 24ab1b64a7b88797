internal import ConnectRuntime
import Glibc
import Synchronization

/// An HTTP/1.1 server on loopback that answers as a script says, also badly: for tests of whatever speaks HTTP outwards.
///
/// One thread accepts, one serves each connection; a test stops it, which ends them all. Requests it got can be read at any time.
public final class ScriptedServer: Sendable {
    /// What to do with a request; called on the connection's thread with the request and its number, from 0, over all connections.
    public typealias Script = @Sendable (ScriptedRequest, Int) -> ScriptedAnswer

    public let port: Int
    private let listener: Int32
    private let script: Script
    private let state = Mutex(State())

    private struct State {
        var requests: [ScriptedRequest] = []
        var taken = 0
        var connections: Set<Int32> = []
        var accepted = 0
        var isStopped = false
    }

    /// Most connections at a time; further ones are closed at once.
    private static let connectionLimit = 128
    private let keepsRequests: Bool

    /// Listens on a free port of 127.0.0.1.
    /// - Parameter keepsRequests: switched off where a test counts by itself and sends many.
    public init(keepsRequests: Bool = true, _ script: @escaping Script) throws {
        self.keepsRequests = keepsRequests
        self.script = script
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else { throw ScriptedServerError("no socket: errno \(errno)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(listener, generic, size) == 0 && listen(listener, 128) == 0 && getsockname(listener, generic, &size) == 0
            }
        }
        guard isListening else {
            close(listener)
            throw ScriptedServerError("cannot listen on 127.0.0.1: errno \(errno)")
        }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        startThread { self.acceptConnections() }
    }

    public var url: String { "http://127.0.0.1:\(port)" }
    public var requests: [ScriptedRequest] { state.withLock { $0.requests } }
    /// Connections accepted so far: tells whether they are reused.
    public var acceptedConnections: Int { state.withLock { $0.accepted } }

    /// Ends listening and every connection. Threads end by themselves.
    public func stop() {
        let open: Set<Int32>? = state.withLock { state in
            if state.isStopped { return nil }
            state.isStopped = true
            return state.connections
        }
        guard let open else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        for connection in open { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    private func acceptConnections() {
        while true {
            let connection = acceptPrivately(listener)
            if connection < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                break
            }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            var on: Int32 = 1
            setsockopt(connection, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            let isWelcome = state.withLock { state in
                if state.isStopped || state.connections.count >= Self.connectionLimit { return false }
                state.accepted += 1
                return state.connections.insert(connection).inserted
            }
            if isWelcome { startThread { self.serve(connection) } } else { close(connection) }
        }
        close(listener)
    }

    private func serve(_ descriptor: Int32) {
        let connection = ScriptedConnection(descriptor)
        while let request = connection.read() {
            let number = state.withLock { state in
                if keepsRequests { state.requests.append(request) }
                state.taken += 1
                return state.taken - 1
            }
            guard connection.perform(script(request, number), isStopped: { self.state.withLock { $0.isStopped } }) else { break }
        }
        state.withLock { _ = $0.connections.remove(descriptor) }
        close(descriptor)
    }

    private func startThread(_ body: @escaping @Sendable () -> Void) {
        // Without a thread the connection is not served, and the test that waits for it says so.
        try? PlainThread.start("scripted-server", stackBytes: 8 << 20, body)
    }
}

public struct ScriptedServerError: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
