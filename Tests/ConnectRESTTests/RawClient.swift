import ConnectREST
import Glibc

/// HTTP by hand, so that the tests say exactly what goes over the wire. One connection per request.
struct RawClient {
    struct Answer {
        let status: Int
        let headers: Headers
        let body: String
    }
    struct Failure: Error { let what: String }

    private let descriptor: Int32

    static func exchange(_ port: UInt16, _ method: String, _ target: String, _ fields: [String: String], _ body: String) throws -> Answer {
        try open(port, method, target, fields, body).answer()
    }

    static func open(_ port: UInt16, _ method: String, _ target: String, _ fields: [String: String], _ body: String) throws -> RawClient {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw Failure(what: "connect: \(errno)") }
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var text = "\(method) \(target) HTTP/1.1\r\n"
        for (name, value) in fields { text += "\(name): \(value)\r\n" }
        text += "Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            // The server may answer, and stop reading, before it has the whole body.
            if count <= 0 { break }
            sent += count
        }
        return RawClient(descriptor: descriptor)
    }

    /// Reads to the end of the connection and closes it.
    func answer() throws -> Answer {
        defer { close(descriptor) }
        var received: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            if count <= 0 { break }
            received.append(contentsOf: piece[..<count])
        }
        let text = String(decoding: received, as: UTF8.self)
        let end = Array("\r\n\r\n".utf8)
        guard let split = (0..<max(0, received.count - 3)).first(where: { received[$0..<$0 + 4].elementsEqual(end) }) else {
            throw Failure(what: "no answer: \(text)")
        }
        let lines = String(decoding: received[..<split], as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, let status = Int(first.split(separator: " ")[1]) else { throw Failure(what: text) }
        var headers = Headers()
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers.add(String(parts[0]), String(parts[1].drop { $0 == " " }))
        }
        return Answer(status: status, headers: headers, body: String(decoding: received[(split + 4)...], as: UTF8.self))
    }
}
