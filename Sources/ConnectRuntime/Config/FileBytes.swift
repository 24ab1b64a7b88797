import Glibc

/// Reads whole small files: configurations, secrets.
public enum FileBytes {
    /// - Throws: ``ConnectError`` of kind `.configuration` with the system's words, also when the file is larger than `limit` bytes.
    public static func read(_ path: String, atMost limit: Int) throws(ConnectError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(path)
            }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > limit {
                throw ConnectError(.configuration, code: "file.too_large", "\(path) is larger than \(limit) bytes")
            }
        }
    }

    /// A text file's content without the byte order mark that some editors put in front.
    public static func withoutMark(_ bytes: [UInt8]) -> [UInt8] { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes }

    private static func failure(_ path: String) -> ConnectError {
        let code = errno
        var text = [CChar](repeating: 0, count: 256)
        let message = connectd_message(code, &text, text.count)
        return ConnectError(.configuration, code: "file.unreadable", "\(path): \(message)")
    }

    private static func connectd_message(_ code: Int32, _ buffer: inout [CChar], _ count: Int) -> String {
        // The text of strerror is constant for the codes open and read give.
        guard let text = strerror(code) else { return "error \(code)" }
        return String(cString: text)
    }
}
