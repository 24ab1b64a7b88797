import Foundation
import Glibc

/// One request to a worker on this machine and its answer, over a connection of its own. Blocks its thread.
struct HTTPAnswer {
    let status: Int
    let body: String

    func object() throws -> [String: Any]? { try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any] }

    /// - Parameter headers: further lines of the head.
    static func of(
        _ method: String, _ path: String, body: String?, port: UInt16, seconds: Int = 30, contentType: String = "application/json", headers: [String] = []
    ) throws -> HTTPAnswer {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard connection >= 0 else { throw TestFailure("no socket: \(errno)") }
        defer { close(connection) }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = loopback(port)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw TestFailure("\(method) \(path): no connection to port \(port)") }
        let content = body ?? ""
        let further = headers.map { $0 + "\r\n" }.joined()
        let request = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\nContent-Type: \(contentType)\r\n\(further)Content-Length: \(content.utf8.count)\r\n\r\n\(content)"
        var rest = Array(request.utf8)[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { throw TestFailure("\(method) \(path): the connection broke while sending") }
            rest = rest.dropFirst(sent)
        }
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(connection, &chunk, chunk.count, 0)
            if count < 0 { throw TestFailure("\(method) \(path): no answer within \(seconds) s") }
            if count == 0 { break }
            received += chunk[..<count]
        }
        return try parse(received, what: "\(method) \(path)")
    }

    private static func parse(_ bytes: [UInt8], what: String) throws -> HTTPAnswer {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n"), let status = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw TestFailure("\(what): no HTTP answer: \(text.prefix(200))")
        }
        let head = text[..<end.lowerBound].lowercased()
        let body = String(text[end.upperBound...])
        return HTTPAnswer(status: status, body: head.contains("transfer-encoding: chunked") ? unchunked(body) : body)
    }

    private static func unchunked(_ body: String) -> String {
        var bytes = Array(body.utf8)[...], result: [UInt8] = []
        while let line = bytes.firstIndex(of: 13), let size = Int(String(decoding: bytes[..<line], as: UTF8.self), radix: 16), size > 0 {
            bytes = bytes[(line + 2)...]
            result += bytes.prefix(size)
            bytes = bytes.dropFirst(size + 2)
        }
        return String(decoding: result, as: UTF8.self)
    }

    static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
