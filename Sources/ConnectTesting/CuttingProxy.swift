internal import ConnectRuntime
internal import Glibc
internal import Synchronization

/// Stands between a client and a server and cuts their connection at a chosen message of the client's, before or after the server has it.
///
/// Knows no protocol: whoever makes it says where messages end. Each connection has two threads of its own.
public final class CuttingProxy: Sendable {
    /// Where to cut. Messages count from 1, over all connections since ``cut(_:)``.
    public enum Cut: Sendable, Hashable {
        case before(Int)
        /// The server gets the message, the client never hears of it.
        case after(Int)
    }

    /// How long a message is that begins these bytes, `nil` while that cannot be told yet.
    /// - Parameter isFirst: whether it is the first of its connection.
    public typealias Framing = @Sendable (_ bytes: [UInt8], _ isFirst: Bool) -> Int?

    /// Where it listens, on 127.0.0.1.
    public let port: Int
    private let listener: Int32
    private let serverSocket: String
    private let framing: Framing
    private let state = Mutex(State())
    /// How long a server may still work on what it got after the client was cut off.
    private static let mutedMilliseconds: Int32 = 200

    private struct State {
        var messages = 0
        var cut: Cut?
        var isStopped = false
        var open: Set<Int32> = []
    }

    /// - Parameter serverSocket: the path of the server's local socket.
    public init(to serverSocket: String, framing: @escaping Framing) throws {
        self.serverSocket = serverSocket
        self.framing = framing
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound else { throw ConnectError(.fatal, code: "proxy.listen", "the proxy cannot listen") }
        port = Int(UInt16(bigEndian: address.sin_port))
        try PlainThread.start("proxy") { self.accept() }
    }

    /// Messages since the last ``cut(_:)``.
    public var messages: Int { state.withLock { $0.messages } }

    /// Begins to count anew, and cuts once where it is told, if it is.
    public func cut(_ cut: Cut?) {
        state.withLock {
            $0.messages = 0
            $0.cut = cut
        }
    }

    /// Whether the cut that was asked for has happened.
    public var hasCut: Bool { state.withLock { $0.cut == nil } }

    public func stop() {
        let open = state.withLock { state in
            state.isStopped = true
            return state.open
        }
        shutdown(listener, Int32(SHUT_RDWR))
        for descriptor in open { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            if client < 0 { break }
            guard !state.withLock({ $0.isStopped }), let server = connectToServer() else {
                close(client)
                continue
            }
            let pair = Pair(client: client, server: server)
            state.withLock { $0.open.formUnion([client, server]) }
            do {
                try PlainThread.start("proxy-in") { self.forwardClient(pair) }
            } catch {
                leave(pair)
                leave(pair)
                continue
            }
            do { try PlainThread.start("proxy-out") { self.forwardServer(pair) } } catch { leave(pair) }
        }
        close(listener)
    }

    private final class Pair: Sendable {
        let client: Int32, server: Int32
        let isMuted = Atomic(false)
        let users = Atomic(2)
        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }
    }

    private func forwardClient(_ pair: Pair) {
        defer { leave(pair) }
        var pending: [UInt8] = [], isFirst = true
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(pair.client, &buffer, buffer.count)
            if count <= 0 { return }
            pending += buffer[..<count]
            while let length = framing(pending, isFirst), length <= pending.count {
                isFirst = false
                let due = state.withLock { state -> Cut? in
                    state.messages += 1
                    switch state.cut {
                    case .before(state.messages), .after(state.messages):
                        defer { state.cut = nil }
                        return state.cut
                    default: return nil
                    }
                }
                if case .before = due { return }
                if case .after = due { pair.isMuted.store(true, ordering: .releasing) }
                if !write(Array(pending[..<length]), to: pair.server) { return }
                pending.removeFirst(length)
                if due != nil {
                    shutdown(pair.client, Int32(SHUT_RDWR))
                    // The server answers, or works silently: then it has had its time.
                    var descriptor = pollfd(fd: pair.server, events: Int16(POLLIN), revents: 0)
                    poll(&descriptor, 1, CuttingProxy.mutedMilliseconds)
                    return
                }
            }
        }
    }

    private func forwardServer(_ pair: Pair) {
        defer { leave(pair) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(pair.server, &buffer, buffer.count)
            if count <= 0 || pair.isMuted.load(ordering: .acquiring) { return }
            if !write(Array(buffer[..<count]), to: pair.client) { return }
        }
    }

    /// Whoever leaves first ends both directions; the last closes.
    private func leave(_ pair: Pair) {
        shutdown(pair.client, Int32(SHUT_RDWR))
        shutdown(pair.server, Int32(SHUT_RDWR))
        if pair.users.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue > 0 { return }
        state.withLock { $0.open.subtract([pair.client, pair.server]) }
        close(pair.client)
        close(pair.server)
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            done += count
        }
        return true
    }

    private func connectToServer() -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(serverSocket.utf8) + [0]
        guard path.count <= MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        if code == 0 { return descriptor }
        close(descriptor)
        return nil
    }
}
