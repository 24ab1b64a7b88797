import Glibc

/// One connection of the scripted server: reads requests, performs answers. For the thread that serves it.
final class ScriptedConnection {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    /// Most bytes of a request: a test that sends more is wrong.
    private static let requestLimit = 64 << 20

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// The next request, `nil` when the connection ends or what comes is no request.
    func read() -> ScriptedRequest? {
        guard let end = readHead() else { return nil }
        let head = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeFirst(end + 4)
        let lines = head.utf8.split(separator: 0x0A).map { line in String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self) }
        guard let first = lines.first?.utf8.split(separator: 0x20).map({ String(decoding: $0, as: UTF8.self) }), first.count == 3 else { return nil }
        let headers: [(name: String, value: String)] = lines.dropFirst().compactMap { line in
            guard let colon = line.utf8.firstIndex(of: 0x3A) else { return nil }
            let value = line.utf8[line.utf8.index(after: colon)...].drop { $0 == 0x20 }
            return (String(decoding: line.utf8[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
        func header(_ name: String) -> String? { headers.first { $0.name.lowercased().utf8.elementsEqual(name.utf8) }?.value }
        let body: [UInt8]?
        if header("transfer-encoding")?.lowercased().utf8.elementsEqual("chunked".utf8) == true {
            body = readChunks()
        } else {
            body = readBytes(Int(header("content-length") ?? "0") ?? 0)
        }
        return body.map { ScriptedRequest(method: first[0], target: first[1], headers: headers, body: $0) }
    }

    private func readHead() -> Int? {
        var searched = 0
        while true {
            var index = max(0, searched - 3)
            while index + 3 < buffer.count {
                if buffer[index] == 0x0D, buffer[index + 1] == 0x0A, buffer[index + 2] == 0x0D, buffer[index + 3] == 0x0A { return index }
                index += 1
            }
            searched = buffer.count
            guard fill() else { return nil }
        }
    }

    private func readBytes(_ count: Int) -> [UInt8]? {
        guard count >= 0, count <= Self.requestLimit else { return nil }
        while buffer.count < count { guard fill() else { return nil } }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    private func readChunks() -> [UInt8]? {
        var body: [UInt8] = []
        while true {
            guard let line = readLine(), let size = Int(line, radix: 16), let chunk = readBytes(size), readLine() != nil else { return nil }
            if size == 0 { return body }
            body += chunk
        }
    }

    private func readLine() -> String? {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                let line = String(decoding: buffer[..<end].filter { $0 != 0x0D }, as: UTF8.self)
                buffer.removeFirst(end + 1)
                return line
            }
            guard fill() else { return nil }
        }
    }

    private func fill() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        let size = chunk.count
        let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, size, 0) }
        guard count > 0, buffer.count + count <= Self.requestLimit else { return false }
        buffer.append(contentsOf: chunk[..<count])
        return true
    }

    /// - Returns: whether the connection goes on.
    func perform(_ answer: ScriptedAnswer, isStopped: () -> Bool) -> Bool {
        switch answer {
        case .status(let status, let headers, let body):
            return send(head(status, headers, length: body.utf8.count) + body)
        case .reset:
            var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
            return false
        case .close: return false
        case .silence:
            _ = fill()
            return false
        case .cut(let status, let body, let promised):
            _ = send(head(status, [], length: promised) + body)
            return false
        case .slow(let status, let pieces, let milliseconds):
            guard send(head(status, [], length: pieces.reduce(0) { $0 + $1.utf8.count })) else { return false }
            for piece in pieces {
                usleep(UInt32(milliseconds) * 1000)
                guard !isStopped(), send(piece) else { return false }
            }
            return true
        }
    }

    private func head(_ status: Int, _ headers: [(String, String)], length: Int) -> String {
        var text = "HTTP/1.1 \(status) Scripted\r\nContent-Length: \(length)\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return text + "\r\n"
    }

    private func send(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }
}
