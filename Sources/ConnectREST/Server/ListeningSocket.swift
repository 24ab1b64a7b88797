import ConnectRuntime
import Glibc

/// An address to listen on: `host:port`, an empty host meaning every interface.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    public let host: String
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or a bare port, with or without `http://` in front; `nil` when it is none.
    public init?(_ written: String) {
        var text = written.trimmedASCII
        if text.lowercased().hasPrefix("http://") { text = String(text.dropFirst(7)) }
        if text.hasSuffix("/") { text = String(text.dropLast()) }
        let name: String, number: String
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            name = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            guard rest.hasPrefix(":"), name.contains(":") else { return nil }
            number = String(rest.dropFirst())
        } else if let colon = text.lastIndex(of: ":") {
            name = String(text[..<colon])
            number = String(text[text.index(after: colon)...])
        } else {
            name = "127.0.0.1"
            number = text
        }
        guard !name.contains(where: { "/ @[]".contains($0) }), let port = UInt16(number) else { return nil }
        if name.contains(":"), !text.hasPrefix("[") { return nil }
        host = name
        self.port = port
    }

    /// Whether only programs on this machine reach it.
    public var isLoopback: Bool {
        let name = host.lowercased()
        if name == "localhost" || name == "::1" { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A bound, listening TCP socket.
struct ListeningSocket {
    let fileDescriptor: Int32
    /// The port it really has: the one asked for, or the one the kernel chose for 0.
    let port: UInt16

    private static let backlog: Int32 = 512

    /// - Throws: ``ConnectError`` of kind `.fatal` that names the address: in use, not this machine's, not permitted.
    init(_ address: ListenAddress) throws {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host.isEmpty ? nil : address.host, String(address.port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard code == 0, let first = list else {
            throw ConnectError(
                .fatal, code: "rest.address", "cannot listen on \(address): \(String(cString: gai_strerror(code)))",
                suggestion: "write an address of this machine, 127.0.0.1:8083 for instance")
        }
        var lastError: Int32 = 0
        var candidate: UnsafeMutablePointer<addrinfo>? = first
        while let info = candidate {
            candidate = info.pointee.ai_next
            let descriptor = socket(info.pointee.ai_family, info.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0 else {
                lastError = errno
                continue
            }
            var on: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            if bind(descriptor, info.pointee.ai_addr, info.pointee.ai_addrlen) == 0, listen(descriptor, Self.backlog) == 0 {
                fileDescriptor = descriptor
                port = Self.port(of: descriptor) ?? address.port
                return
            }
            lastError = errno
            close(descriptor)
        }
        throw Self.error(lastError, address)
    }

    private static func error(_ code: Int32, _ address: ListenAddress) -> ConnectError {
        switch code {
        case EADDRINUSE:
            ConnectError(
                .fatal, code: "rest.port_in_use", "another program listens on \(address)",
                suggestion: "stop it, or choose another port: --listen \(ListenAddress(host: address.host, port: 0)) takes a free one")
        case EADDRNOTAVAIL:
            ConnectError(
                .fatal, code: "rest.address", "\(address) is not an address of this machine",
                suggestion: "listen on 127.0.0.1:\(address.port)")
        case EACCES:
            ConnectError(
                .fatal, code: "rest.denied", "listening on \(address) is not permitted", suggestion: "choose a port from 1024 up")
        default:
            ConnectError(.fatal, code: "rest.address", "cannot listen on \(address): \(String(cString: strerror(code)))")
        }
    }

    private static func port(of descriptor: Int32) -> UInt16? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutableBytes(of: &storage) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &length) }
        }
        guard result == 0 else { return nil }
        // The port stands at the same place in IPv4 and IPv6 addresses, in network byte order.
        return withUnsafeBytes(of: storage) { UInt16($0[2]) << 8 | UInt16($0[3]) }
    }
}
