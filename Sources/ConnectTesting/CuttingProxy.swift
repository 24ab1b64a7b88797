internal import ConnectRuntime
internal import Glibc
internal import Synchronization

/// Stands between a client and a server and cuts their connection at a chosen message of the client's, before or after the server has it.
///
/// Knows no protocol: whoever makes it says where messages end. Each connection has a thread of its own, which alone knows its sockets.
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
    /// How soon a connection's thread finds that it is to stop.
    private static let lookMilliseconds: Int32 = 50
    /// No more is read from a side whose other side has yet to take so much.
    private static let mostQueued = 1 << 20

    private struct State {
        var messages = 0
        var cut: Cut?
        var isStopped = false
        var isListening = true
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

    /// Listens no more and ends every connection, within a moment.
    public func stop() {
        state.withLock { state in
            state.isStopped = true
            if state.isListening { shutdown(listener, Int32(SHUT_RDWR)) }
        }
    }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    private func accept() {
        while true {
            // A program that another test starts meanwhile must not inherit it: it would keep the connection open after it was cut.
            let client = acceptPrivately(listener)
            if client < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                break
            }
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            guard !isStopped, let server = connectToServer() else {
                close(client)
                continue
            }
            do {
                try PlainThread.start("proxy") { self.forward(client, server) }
            } catch {
                close(client)
                close(server)
            }
        }
        state.withLock { $0.isListening = false }
        close(listener)
    }

    /// Carries one connection's bytes both ways until a side ends, it is cut, or the proxy is stopped.
    private func forward(_ client: Int32, _ server: Int32) {
        defer {
            // Closing alone would end nothing while a program that another test has just started holds them as well.
            for end in [client, server] {
                shutdown(end, Int32(SHUT_RDWR))
                close(end)
            }
        }
        var pending: [UInt8] = [], isFirst = true
        var toServer: [UInt8] = [], toClient: [UInt8] = []
        while !isStopped {
            var ends = [
                pollfd(fd: client, events: Self.events(reads: toServer.count < Self.mostQueued, writes: !toClient.isEmpty), revents: 0),
                pollfd(fd: server, events: Self.events(reads: toClient.count < Self.mostQueued, writes: !toServer.isEmpty), revents: 0),
            ]
            if poll(&ends, 2, Self.lookMilliseconds) <= 0 { continue }
            let readable = Int16(POLLIN) | Int16(POLLHUP) | Int16(POLLERR)
            // A side that is gone takes nothing any more, whatever waits to be read from the other.
            if ends.contains(where: { $0.revents & Int16(POLLERR) != 0 }) { return }
            if ends[0].revents & readable != 0, ends[0].events & Int16(POLLIN) != 0 {
                guard let bytes = Self.read(client) else {
                    _ = Self.send(&toServer, server, waits: true)
                    return
                }
                pending += bytes
                while !pending.isEmpty, let length = framing(pending, isFirst), length <= pending.count {
                    isFirst = false
                    let due = countMessage()
                    if case .before = due {
                        _ = Self.send(&toServer, server, waits: true)
                        return
                    }
                    toServer += pending[..<length]
                    pending.removeFirst(length)
                    if due != nil {
                        guard Self.send(&toServer, server, waits: true) else { return }
                        shutdown(client, Int32(SHUT_RDWR))
                        // The server answers, or works silently: then it has had its time.
                        var descriptor = pollfd(fd: server, events: Int16(POLLIN), revents: 0)
                        poll(&descriptor, 1, Self.mutedMilliseconds)
                        return
                    }
                }
            }
            if ends[1].revents & readable != 0, ends[1].events & Int16(POLLIN) != 0 {
                guard let bytes = Self.read(server) else {
                    _ = Self.send(&toClient, client, waits: true)
                    return
                }
                toClient += bytes
            }
            guard Self.send(&toServer, server, waits: false), Self.send(&toClient, client, waits: false) else { return }
        }
    }

    private static func events(reads: Bool, writes: Bool) -> Int16 { (reads ? Int16(POLLIN) : 0) | (writes ? Int16(POLLOUT) : 0) }

    /// Counts a message of a client. - Returns: the cut, where it is due at this one.
    private func countMessage() -> Cut? {
        state.withLock { state in
            state.messages += 1
            guard let cut = state.cut, cut == .before(state.messages) || cut == .after(state.messages) else { return nil }
            state.cut = nil
            return cut
        }
    }

    /// - Returns: what there is to read, `nil` at the end.
    private static func read(_ descriptor: Int32) -> ArraySlice<UInt8>? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count <= 0 ? nil : buffer[..<count]
    }

    /// Sends from the start of a queue: what goes at once, or all of it.
    /// - Returns: false when the other side is gone.
    private static func send(_ queue: inout [UInt8], _ descriptor: Int32, waits: Bool) -> Bool {
        var done = 0
        defer { queue.removeFirst(done) }
        while done < queue.count {
            let count = queue[done...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | (waits ? 0 : Int32(MSG_DONTWAIT)))
            }
            if count < 0, !waits, errno == EAGAIN { return true }
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
