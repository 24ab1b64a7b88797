internal import ConnectRuntime
internal import Glibc

/// Cuts a growing file into lines. Only whole lines count; what stands behind the last line end waits for its own.
final class LineReader {
    private let descriptor: Int32
    private let ownsDescriptor: Bool
    private var pending: [UInt8] = []
    /// Where the first byte of `pending` stands in the file.
    private(set) var position: Int64
    private var searched = 0
    /// A line may be as long as this; a longer one is no text but a mistake.
    static let longestLine = 64 << 20

    /// The standard input.
    init() {
        descriptor = STDIN_FILENO
        ownsDescriptor = false
        position = 0
    }

    /// - Returns: `nil` while there is no such file.
    /// - Throws: when it cannot be read, or is shorter than where reading is to go on.
    init?(_ path: String, from start: Int64) throws {
        position = start
        ownsDescriptor = true
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw Self.failure("cannot open \(path)")
        }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw Self.failure("cannot look at \(path)") }
        if start > 0 {
            if Int64(facts.st_size) < start {
                throw ConnectError(
                    .fatal, code: "file.shorter", "\(path) has \(facts.st_size) bytes, but reading is to go on at byte \(start): the file was cut or replaced",
                    suggestion: "put the file back, or stop the connector and reset its offsets to read it from the start")
            }
            guard lseek(descriptor, off_t(start), SEEK_SET) >= 0 else { throw Self.failure("cannot go to byte \(start) of \(path)") }
        }
    }

    deinit { if ownsDescriptor, descriptor >= 0 { close(descriptor) } }

    private static func failure(_ what: String) -> ConnectError {
        ConnectError(.retriable, code: "file.unreadable", "\(what): \(String(cString: strerror(errno)))")
    }

    /// The next whole line without its end (`\n`, `\r\n` or a lone `\r`), `nil` when there is none yet.
    func line() throws -> [UInt8]? {
        while true {
            if let line = cut() { return line }
            if pending.count > Self.longestLine {
                throw ConnectError(.fatal, code: "file.line_too_long", "the line at byte \(position) is longer than \(Self.longestLine) bytes")
            }
            if try !fill() { return nil }
        }
    }

    private func cut() -> [UInt8]? {
        var index = searched
        while index < pending.count {
            let byte = pending[index]
            if byte == UInt8(ascii: "\n") { return take(index, ending: 1) }
            if byte == UInt8(ascii: "\r") {
                // Whether a line feed follows is known only once the next byte is there.
                if index + 1 == pending.count { break }
                return take(index, ending: pending[index + 1] == UInt8(ascii: "\n") ? 2 : 1)
            }
            index += 1
        }
        searched = index
        return nil
    }

    private var start = 0

    private func take(_ end: Int, ending: Int) -> [UInt8] {
        let line = Array(pending[start..<end])
        position += Int64(end + ending - start)
        start = end + ending
        searched = start
        return line
    }

    /// - Returns: whether more bytes came.
    private func fill() throws -> Bool {
        if start > 0 {
            pending.removeFirst(start)
            searched -= start
            start = 0
        }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        if !ownsDescriptor {
            // The standard input may be a terminal or a pipe: look before a read that would wait.
            var look = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&look, 1, 0) <= 0 { return false }
        }
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0 {
            if errno == EINTR || errno == EAGAIN { return false }
            throw Self.failure("cannot read")
        }
        pending += buffer[..<count]
        return count > 0
    }
}
